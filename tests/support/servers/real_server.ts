import type { Transport } from "../../../transports/mod.ts";
import { RealProcess, type RealProcessOptions } from "./real_process.ts";

/** A server in a process of its own, which can be reached. */
export interface RealServer extends AsyncDisposable {
  readonly process: RealProcess;
  /** The transport that connects to it. */
  readonly transport: Transport;
}

/**
 * Starts a server.
 *
 * @param reach Waits until the process is ready, and returns how it is reached.
 */
export async function startServer(
  options: RealProcessOptions,
  reach: (process: RealProcess) => Promise<Transport>,
): Promise<RealServer> {
  const process = await RealProcess.start(options);
  try {
    const transport = await reach(process);
    return {
      process,
      transport,
      [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
    };
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw error;
  }
}
