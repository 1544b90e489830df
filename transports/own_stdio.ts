import { Console } from "node:console";
import process from "node:process";
import type { ChannelAction } from "./_channel/channel.ts";
import { ChannelConnection } from "./_channel/connection.ts";
import { osError } from "./_socket/os_error.ts";
import { StreamChannel } from "./_streams/stream_channel.ts";
import { systemErrors } from "./_util/system_errors.ts";
import type { Address, Connection } from "./transport.ts";

const address: Address = { transport: "stdio", toString: () => "stdio:" };

/**
 * This process's standard input and output as a connection: the other end of
 * {@linkcode stdio}, for a program that its client starts. It can be had once.
 *
 * From then on `console.log()` and the rest of `console` write to standard error:
 * they would corrupt the output. Nothing else may write to `Deno.stdout`, or read
 * from `Deno.stdin`. When the client ends, our reading ends.
 *
 * Deno keeps the descriptor of standard output open until the process ends: after
 * `closeWrite()` or `close()` the client sees our end only then.
 *
 * @throws {TypeError} Standard input or output is in use.
 *
 * @example A server of one client, which ends with its input
 * ```ts ignore
 * import { ownStdio } from "@parley/parley/transports";
 * import { lines, Peer } from "@parley/parley/protocol";
 *
 * await using peer = new Peer({ codec: lines });
 * await peer.connect(ownStdio());
 * for await (const line of peer) await peer.send(line.toUpperCase());
 * ```
 */
export function ownStdio(): Connection {
  const channel = new OwnStdio({
    readable: Deno.stdin.readable,
    writable: Deno.stdout.writable,
  });
  const connection = new ChannelConnection(channel, {
    localAddress: address,
    remoteAddress: address,
  });
  const { stderr } = process;
  for (const [name, method] of Object.entries(new Console(stderr, stderr))) {
    if (typeof method === "function") Reflect.set(console, name, method);
  }
  return connection;
}

class OwnStdio extends StreamChannel {
  override explain(action: ChannelAction, cause?: unknown): unknown {
    const name = action === "Read from" ? "standard input" : "standard output";
    return osError(
      `${action} ${name}`,
      cause ?? new systemErrors.BadResource("the connection is closed"),
    );
  }
}
