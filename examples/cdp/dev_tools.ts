import { type Transport, webSocket } from "@parley/parley";

/**
 * The browser whose DevTools listen at `http://127.0.0.1:9222`, say. It has
 * another address each time that it starts: this transport asks for it.
 */
export function devTools(url: string): Transport {
  return {
    async connect(options = {}) {
      const response = await fetch(new URL("/json/version", url), {
        signal: options.signal ?? null,
      });
      const { webSocketDebuggerUrl } = await response.json();
      return await webSocket({ url: webSocketDebuggerUrl, messages: true })
        .connect(options);
    },
    listen: () => Promise.reject(new TypeError("A browser's place is taken")),
    toString: () => url,
  };
}
