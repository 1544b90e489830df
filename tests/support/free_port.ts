/**
 * A port of 127.0.0.1 that nobody listens at, for a server that must be told
 * one. The system gives other connections ports from 32768, so that none of them
 * takes this one before the server does, or while it is restarted.
 */
export function freePort(): number {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
