import type { MessageReader } from "./message_reader.ts";
import type { MessageWriter } from "./message_writer.ts";
import { SilenceTimer } from "./silence_timer.ts";

/** Watches for how long no byte is read or written. */
export class SilenceWatch {
  readonly #reader: MessageReader<unknown>;
  readonly #writer: MessageWriter<never>;
  #timers: SilenceTimer[] = [];
  /** How many bytes keep-alive messages had. */
  #keepAliveBytes = 0;
  /** How many bytes of other messages were taken. */
  #taken = 0;

  constructor(reader: MessageReader<unknown>, writer: MessageWriter<never>) {
    this.#reader = reader;
    this.#writer = writer;
  }

  /** Acts when no byte has gone either way, keep-alive messages aside. */
  onIdle(ms: number, act: () => void): void {
    this.#timers.push(new SilenceTimer(ms, [() => this.#activity()], act));
  }

  /**
   * Sends keep-alive messages when no byte was received, or none was received or
   * none was sent; the next one once the last is done with. While `isHeld` tells
   * that this side holds the reader, a peer is not silent: what it says waits.
   */
  onSilence(
    ms: number,
    direction: "received" | "either",
    isHeld: () => boolean,
    send: () => Promise<void>,
  ): void {
    // A peer that takes nothing of what waits for it may be gone.
    const received = () =>
      isHeld() && this.#writer.unsent === 0 ? undefined : this.#reader.bytes;
    const sent = () => this.#writer.taken;
    const counts = direction === "either" ? [received, sent] : [received];
    let pending = false;
    const keepAlive = async () => {
      if (pending) return;
      pending = true;
      const queued = this.#queued;
      const done = send();
      this.#keepAliveBytes += this.#queued - queued;
      await done;
      pending = false;
    };
    this.#timers.push(new SilenceTimer(ms, counts, keepAlive));
  }

  stop(): void {
    for (const timer of this.#timers) timer.stop();
    this.#timers = [];
  }

  /** The number of bytes that were queued, taken or not. */
  get #queued(): number {
    return this.#writer.taken + this.#writer.unsent;
  }

  #activity(): number {
    const taken = this.#writer.taken - this.#keepAliveBytes;
    // A keep-alive message that is queued and not taken must not lower it.
    this.#taken = Math.max(this.#taken, taken);
    return this.#reader.bytes + this.#taken;
  }
}
