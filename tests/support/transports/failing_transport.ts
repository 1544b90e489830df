import type { Transport } from "../../../transports/mod.ts";

/** A transport whose attempts fail, each with the next error or the last one. */
export function failing(...errors: Error[]): Transport & { attempts: number } {
  return {
    attempts: 0,
    connect() {
      const error = errors[Math.min(this.attempts++, errors.length - 1)];
      return Promise.reject(error);
    },
    listen: () => Promise.reject(new Error("nobody listens")),
  };
}
