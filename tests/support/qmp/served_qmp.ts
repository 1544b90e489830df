import {
  QMPClient,
  QMPServer,
  type QMPServerOptions,
} from "../../../qmp/mod.ts";
import { memory, memoryPair } from "../../../transports/mod.ts";
import { type Message, Script } from "./qmp_script.ts";

/** The version of the servers. */
export const version = {
  qemu: { major: 7, minor: 2, micro: 22 },
  package: "stand-in",
};

/** A server, and a client that is connected to it. */
export async function served(
  options: QMPServerOptions = {},
): Promise<{ server: QMPServer; client: QMPClient } & AsyncDisposable> {
  const server = new QMPServer({ version, ...options });
  const transport = memory();
  server.serve(await transport.listen());
  const client = new QMPClient();
  await client.connect(transport);
  return {
    server,
    client,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await server.close();
    },
  };
}

/** A server's session, and a client that sends exactly the messages of a test. */
export async function scripted(
  options: QMPServerOptions = {},
): Promise<{ server: QMPServer; script: Script }> {
  const [near, far] = memoryPair();
  const server = new QMPServer({ version, ...options });
  const [script] = await Promise.all([
    Script.over(far),
    server.createSession().connect(near),
  ]);
  return { server, script };
}

/** Sends a message, and returns the answer. */
export function ask(script: Script, message: unknown): Promise<Message> {
  script.send(message as Message);
  return script.command();
}

/** The request for capabilities. */
export const agree = { execute: "qmp_capabilities" };
