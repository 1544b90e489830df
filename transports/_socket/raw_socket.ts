import { systemErrors } from "../_util/system_errors.ts";

/** The raw operations of a socket, as `Deno.Conn` has them. */
export interface RawSocket {
  /**
   * Reads some bytes: their number, or `null` at the end. Rejects with
   * `Deno.errors.UnexpectedEof` at a cut.
   */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes some of the bytes, and gives their number. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends writing. */
  closeWrite(): Promise<void>;
  /**
   * Resolves when no bytes are on their way that belong to the transport itself,
   * such as TLS session tickets. A release before that may meet them unread, and
   * then resets the connection.
   */
  readonly settled?: Promise<void>;
  /** Releases the socket; a read or a write that is pending rejects. */
  close(): void;
}

/** Closes a resource, which may be closed already. */
export function release(resource: { close(): void }): void {
  try {
    resource.close();
  } catch (error) {
    if (!(error instanceof systemErrors.BadResource)) throw error;
  }
}
