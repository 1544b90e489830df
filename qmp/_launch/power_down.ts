import type { WaitOptions } from "../../transports/transport.ts";
import { abortable, within } from "../_client/wait.ts";
import type { QMPSchema } from "../schema.ts";
import type { QMPClient } from "../client.ts";

interface Machine<S extends QMPSchema> extends WaitOptions {
  client: QMPClient<S>;
  /** Fulfils when the process has ended. */
  status: Promise<unknown>;
  /** How long the guest may take, in milliseconds. */
  timeout: number;
}

/**
 * Presses the power button, and waits for the guest to shut down.
 *
 * @returns Whether the guest has shut down. False if there is no button or no
 * session, or if the time is over.
 * @throws The signal's reason, if it is aborted.
 */
export async function powerDown<S extends QMPSchema>(
  { client: typed, status, timeout, signal }: Machine<S>,
): Promise<boolean> {
  signal?.throwIfAborted();
  const client = typed as unknown as QMPClient;
  using shutdown = client.listen("SHUTDOWN");
  const pressed = client.execute("system_powerdown").then(() =>
    shutdown.next()
  );
  const down = within(timeout, Promise.race([status, pressed]));
  try {
    await abortable(down, signal);
    return true;
  } catch (error) {
    if (signal?.aborted) throw error;
    return false;
  }
}
