import { tls, type TlsOptions } from "../../../transports/mod.ts";
import { portOf } from "../../support/transports/port_of.ts";

/** One client and one server, and the error of each. */
export async function meet(
  connect: Partial<TlsOptions>,
  listen: Partial<TlsOptions>,
): Promise<{ client: unknown; server: unknown }> {
  const server = Promise.withResolvers<unknown>();
  await using listener = await tls({
    ...{ port: 0, ...listen },
    onHandshakeError: server.resolve,
  }).listen();
  listener.accept().then(async (connection) => {
    server.resolve(undefined);
    await connection.close();
  }, () => {});
  const connecting = (async () => {
    await using connection = await tls({
      ...{ port: portOf(listener), ...connect },
    }).connect();
    const reader = connection.readable.getReader();
    return await reader.read();
  })();
  const client = await connecting.then(() => undefined, (error) => error);
  return { client, server: await server.promise };
}
