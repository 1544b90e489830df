/** A stream of bytes and what it is decoded to. */
export interface CodecCase<In> {
  /** The bytes; a string stands for its UTF-8. */
  input: string | Uint8Array;
  /** The messages in them. */
  messages: In[];
  /**
   * The error behind the messages.
   *
   * @default {undefined}
   */
  error?: CodecCaseError | undefined;
}

/** The error that a stream of bytes ends with. */
export interface CodecCaseError {
  /** Its class. */
  class: abstract new (...args: never[]) => Error;
  /**
   * Members that it has, and their values.
   *
   * @default {{}}
   */
  has?: Record<string, unknown> | undefined;
  /**
   * The class of its cause.
   *
   * @default {undefined}
   */
  cause?: (abstract new (...args: never[]) => Error) | undefined;
}

/** Makes any messages: an arbitrary of fast-check, such as `fc.string()`. */
export interface AnyMessage<Out> {
  /** Makes one message; fast-check calls it. */
  generate(random: never, bias: number | undefined): { readonly value: Out };
}
