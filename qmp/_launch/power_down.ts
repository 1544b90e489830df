import type { WaitOptions } from "../../transports/transport.ts";
import { abortable, within } from "../_client/wait.ts";
import type { QMPSchema } from "../schema.ts";
import { hasShutDown, type QMPClient } from "../client.ts";

interface Machine<S extends QMPSchema> extends WaitOptions {
  client: QMPClient<S>;
  /** How long the guest may take, in milliseconds. */
  timeout: number;
}

/**
 * Presses the power button, and waits for the guest to shut down.
 *
 * @returns Whether the guest has shut down. False if there is no button, if the
 * time is over, or if the program or its session has ended in another way.
 * @throws The signal's reason, if it is aborted.
 */
export async function powerDown<S extends QMPSchema>(
  { client: typed, timeout, signal }: Machine<S>,
): Promise<boolean> {
  signal?.throwIfAborted();
  const client = typed as unknown as QMPClient;
  if (!hasShutDown(client)) {
    using shutdown = client.listen("SHUTDOWN");
    const pressed = client.execute("system_powerdown").then(() =>
      shutdown.next()
    );
    try {
      await abortable(within(timeout, pressed), signal);
    } catch (error) {
      if (signal?.aborted) throw error;
    }
  }
  return hasShutDown(client);
}
