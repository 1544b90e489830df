import type { Codec } from "../codecs/codec.ts";

/**
 * The hooks of a protocol, as its session calls them: they are protected in
 * `AsyncProtocol`, which documents them.
 */
export interface Hooks<In, Out> {
  createCodec(): Codec<In, Out>;
  negotiate(signal: AbortSignal): Promise<void>;
  onSessionStart(): void | Promise<void>;
  filterInbound(message: In): In;
  onMessage(message: In, bytes: number): void | Promise<void>;
  onEnd(): void | Promise<void>;
  onShutdown(): void | Promise<void>;
  onDisconnect(reason: unknown): void;
  onSessionEnd(cause: unknown): void;
  onLastSessionEnd(cause: unknown): void;
  isRetriable(error: unknown): boolean;
  keepAlive(): void | Promise<void>;
  describe(message: unknown): unknown;
  isOrderlyEnd(cause: unknown): boolean;
}
