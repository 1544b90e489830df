import type { ProtocolError } from "../../protocol/mod.ts";

/** Represents a client's input that is not a JSON text. */
export class BadInput {
  /** The description in the answer to the client, in QEMU's words if it has some. */
  readonly description: string;
  /** The error that the session ends with, if it cannot go on. */
  readonly fatal: ProtocolError | undefined;

  constructor(description: string, fatal?: ProtocolError) {
    this.description = description;
    this.fatal = fatal;
  }
}
