/**
 * A free port of 127.0.0.1, for a server that cannot choose one itself. It is
 * below 32768, where the system's ports for connections begin, so no connection
 * takes it before the server listens, or while the server restarts.
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
