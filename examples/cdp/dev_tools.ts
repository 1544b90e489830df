import { type Transport, webSocket } from "@parley/parley";

/** How long a browser may take to tell its address, in milliseconds. */
const TIMEOUT = 10_000;

/**
 * The browser whose DevTools listen at `http://127.0.0.1:9222`, say. It has
 * another address each time that it starts: this transport asks for it.
 */
export function devTools(url: string): Transport {
  return {
    async connect(options = {}) {
      const signals = [AbortSignal.timeout(TIMEOUT), options.signal ?? []];
      const response = await fetch(new URL("/json/version", url), {
        signal: AbortSignal.any(signals.flat()),
      });
      const { webSocketDebuggerUrl } = await response.json();
      return await webSocket({ url: webSocketDebuggerUrl, messages: true })
        .connect(options);
    },
    listen: () => Promise.reject(new TypeError("A browser's place is taken")),
    toString: () => url,
  };
}
