import type { ChannelAction } from "../_channel/channel.ts";
import { osError } from "../_socket/os_error.ts";
import { StreamChannel } from "../_streams/stream_channel.ts";
import type { Child } from "./child.ts";
import { systemErrors } from "../_util/system_errors.ts";

const DRAIN_BYTES = 64 * 1024;

/** The standard input and output of a process as a channel. */
export class ProcessChannel extends StreamChannel {
  readonly #child: Child;
  readonly #name: string;
  #reading: Promise<unknown> | undefined;
  #draining = false;

  /** @param name The process, as errors call it. */
  constructor(child: Child, name: string) {
    super({ readable: child.stdout, writable: child.stdin });
    this.#child = child;
    this.#name = name;
  }

  override async read(into: Uint8Array): Promise<number | null> {
    if (this.#draining) return null;
    const reading = this.#reading = super.read(into);
    const count = await reading;
    if (count !== null) return count;
    const failure = await this.#child.failure();
    if (failure !== undefined) throw new systemErrors.UnexpectedEof(failure);
    return null;
  }

  override async write(bytes: Uint8Array): Promise<number> {
    try {
      return await super.write(bytes);
    } catch (error) {
      const failure = await this.#child.failure();
      if (failure === undefined) throw error;
      throw new systemErrors.BrokenPipe(failure, { cause: error });
    }
  }

  /**
   * Drops the output from now on. The process may not read its input, nor end,
   * before it has written its output.
   */
  override closeRead(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#drain();
  }

  /** The process may not read its input: its time begins before its end of input. */
  closing(): void {
    const fail = (cause?: unknown) =>
      this.failWriting(
        new systemErrors.BrokenPipe("the process has ended", { cause }),
      );
    this.#child.end().then(() => fail(), fail);
  }

  override async close(): Promise<void> {
    this.closeRead();
    await this.#child.end();
    await super.close();
  }

  override async abort(reason: unknown): Promise<void> {
    await Promise.all([super.abort(reason), this.#child.kill()]);
  }

  override explain(action: ChannelAction, cause?: unknown): unknown {
    return osError(
      `${action} ${this.#name}`,
      cause ?? new systemErrors.BadResource("the connection is closed"),
    );
  }

  async #drain(): Promise<void> {
    const buffer = new Uint8Array(DRAIN_BYTES);
    try {
      await this.#reading;
      while (await super.read(buffer) !== null);
    } catch {
      // Its output is gone.
    }
  }
}
