/**
 * `Deno.connect()`, with a signal that loses nothing: Deno looks at its signal
 * once more when the connection is there, and where that is aborted by then,
 * throws and leaves the connection open. So it gets one that does not throw.
 *
 * @throws The signal's reason, when it is aborted.
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
