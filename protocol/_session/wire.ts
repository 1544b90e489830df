import type { Connection } from "../../transports/transport.ts";
import type { ProtocolStats } from "../stats.ts";
import type { MessageReader } from "./message_reader.ts";
import type { MessageWriter } from "./message_writer.ts";

/** What a session has once it has a connection. */
export interface Wire<In, Out> {
  connection: Connection;
  readonly reader: MessageReader<In>;
  readonly writer: MessageWriter<Out>;
}

/** What has gone over it so far. */
export function statsOf<In, Out>(
  { reader, writer }: Wire<In, Out>,
): ProtocolStats {
  const lastActivity = Math.max(reader.lastActivity, writer.lastActivity);
  return {
    messagesReceived: reader.messages,
    messagesSent: writer.messages,
    bytesReceived: reader.bytes,
    bytesSent: writer.taken,
    queuedBytes: writer.unsent,
    blockedMs: writer.blockedMs,
    lastActivity: lastActivity ? new Date(lastActivity) : undefined,
  };
}
