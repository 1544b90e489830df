/** Refuses what is no frame. */
export function assertBytes(message: Uint8Array): void {
  if (!(message instanceof Uint8Array)) {
    throw new TypeError(
      `Cannot encode: message must be a Uint8Array: ${typeof message}`,
    );
  }
}
