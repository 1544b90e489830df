import type { ProtocolError } from "../../protocol/mod.ts";

/** Stands for input of a client that is not a JSON text. */
export class BadInput {
  /** The description in the answer to the client. QEMU's words where it has some. */
  readonly description: string;
  /** The error that the session ends with, if it cannot go on. */
  readonly fatal: ProtocolError | undefined;

  constructor(description: string, fatal?: ProtocolError) {
    this.description = description;
    this.fatal = fatal;
  }
}
