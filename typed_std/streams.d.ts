// Types for the part of std/streams that is used here: the npm package carries none.

export class DelimiterStream extends TransformStream<Uint8Array, Uint8Array> {
  constructor(
    delimiter: Uint8Array,
    options?: { disposition?: "suffix" | "prefix" | "discard" },
  );
}
export class TextLineStream extends TransformStream<string, string> {
  constructor(options?: { allowCR?: boolean });
}
export class TextDelimiterStream extends TransformStream<string, string> {
  constructor(
    delimiter: string,
    options?: { disposition?: "suffix" | "prefix" | "discard" },
  );
}
export function concatReadableStreams<T>(
  ...streams: ReadableStream<T>[]
): ReadableStream<T>;
export function mergeReadableStreams<T>(
  ...streams: ReadableStream<T>[]
): ReadableStream<T>;
export function toTransformStream<I, O>(
  transformer: (source: ReadableStream<I>) => Iterable<O> | AsyncIterable<O>,
  writableStrategy?: QueuingStrategy<I>,
  readableStrategy?: QueuingStrategy<O>,
): TransformStream<I, O>;
export function toArrayBuffer(
  stream: ReadableStream<Uint8Array>,
): Promise<ArrayBuffer>;
export function toBytes(
  stream: ReadableStream<Uint8Array>,
): Promise<Uint8Array<ArrayBuffer>>;
export function toText(stream: ReadableStream): Promise<string>;
export function toJson(stream: ReadableStream): Promise<unknown>;
