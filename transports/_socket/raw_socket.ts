/** The raw operations under a connection; `Deno.Conn` is one as it stands. */
export interface RawSocket {
  /**
   * Reads some bytes: their number, or `null` at the end. Rejects with
   * `Deno.errors.UnexpectedEof` where the end is a cut.
   */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes some of the bytes, and says how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends writing, after all that was written. */
  closeWrite(): Promise<void>;
  /**
   * Resolves when no bytes are on their way that no reader would see: where
   * it is there, a release that comes earlier can be met by such bytes.
   */
  readonly settled?: Promise<void>;
  /** Releases the socket; a read or write that is pending rejects. */
  close(): void;
}

/** Closes what may have been closed already. */
export function release(resource: { close(): void }): void {
  try {
    resource.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
