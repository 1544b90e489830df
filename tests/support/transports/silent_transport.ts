import type { Transport } from "../../../transports/mod.ts";

/** A transport whose attempts wait until they are aborted. */
export const silent: Transport = {
  connect: (options) => untilAborted(options?.signal),
  listen: (options) => untilAborted(options?.signal),
  toString: () => "memory:silent",
};

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), {
      once: true,
    });
  });
}
