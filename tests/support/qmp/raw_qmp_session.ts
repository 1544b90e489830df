import {
  QMPServer,
  type QMPServerOptions,
  type QMPSession,
} from "../../../qmp/mod.ts";
import { memoryPair } from "../../../transports/mod.ts";
import { RawQMPClient } from "./raw_qmp_client.ts";

/** The request for capabilities, with these enabled. */
export function agreeOn(...enable: string[]): string {
  return JSON.stringify({
    execute: "qmp_capabilities",
    ...(enable.length > 0 ? { arguments: { enable } } : {}),
  });
}

/** A session of a server, and its client. */
export interface RawSession extends AsyncDisposable {
  readonly server: QMPServer;
  readonly session: QMPSession;
  readonly client: RawQMPClient;
}

/** A session that has begun, and a client that has not read its greeting. */
export async function rawSession(
  options: QMPServerOptions = {},
): Promise<RawSession> {
  const [near, far] = memoryPair();
  const server = new QMPServer({ closeTimeout: 100, ...options });
  const session = server.createSession();
  await session.connect(near);
  const client = new RawQMPClient(far);
  return {
    server,
    session,
    client,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await server.close();
      await session.disconnect().catch(() => {});
    },
  };
}

/** A session whose client has negotiated. */
export async function agreedSession(
  options: QMPServerOptions = {},
  ...enable: string[]
): Promise<RawSession> {
  const both = await rawSession(options);
  await both.client.write(agreeOn(...enable));
  await both.client.take(2);
  return both;
}
