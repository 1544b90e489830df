import type { Connection, Transport } from "../../transports/transport.ts";

/** Listens at a transport for one connection. */
export async function acceptOne(
  transport: Transport,
  signal: AbortSignal,
): Promise<Connection> {
  const listener = await transport.listen({ signal });
  let connection: Connection | undefined;
  try {
    signal.throwIfAborted();
    return connection = await listener.accept({ signal });
  } finally {
    await listener.close().catch((error) => {
      connection?.abort(error);
      throw error;
    });
  }
}
