/** Refuses a message that is not bytes. */
export function assertBytes(message: Uint8Array): void {
  if (message instanceof Uint8Array) return;
  throw new TypeError(
    `Cannot encode: message is ${typeof message}, expected a Uint8Array`,
  );
}
