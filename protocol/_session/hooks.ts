import type { Codec } from "../codecs/codec.ts";

/**
 * The hooks of a protocol, as its session calls them. They are protected there:
 * this is the one other place that they are for. Closures over them would take
 * 0.4 KiB of each session.
 */
export interface Hooks<In, Out> {
  createCodec(): Codec<In, Out>;
  negotiate(signal: AbortSignal): Promise<void>;
  onEnd(): void | Promise<void>;
  onShutdown(): void | Promise<void>;
  describe(message: In | Out): unknown;
  isOrderlyEnd(cause: unknown): boolean;
}
