/**
 * `Deno.connect()` with a signal, without its leak: Deno checks its signal once
 * more when the connection is there, and if it is aborted by then, throws and
 * leaves the connection open. So it gets a signal that does not throw.
 *
 * @throws The signal's reason, if it is aborted.
 */
export async function dial(
  options: Deno.ConnectOptions,
  signal: AbortSignal | undefined,
): Promise<Deno.TcpConn> {
  signal?.throwIfAborted();
  if (!signal) return await Deno.connect(options);
  const attempt = new AbortController();
  attempt.signal.throwIfAborted = () => {};
  const abort = () => attempt.abort();
  signal.addEventListener("abort", abort);
  try {
    const conn = await Deno.connect({ ...options, signal: attempt.signal });
    if (!signal.aborted) return conn;
    conn.close();
    throw signal.reason;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
