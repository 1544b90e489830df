import type { Connection } from "../../transports/mod.ts";
import { bytes } from "../_codec_checks/decoding.ts";
import { concat } from "../_deps.ts";
import { EXCERPT_BYTES, show } from "../_util/excerpt.ts";
import { ScriptError, type ScriptStep } from "../script.ts";

const END = "the end";
const READ_BYTES = 64 * 1024;

/** One end of a connection that follows a script. */
export class ScriptRun {
  readonly #script: readonly ScriptStep[];
  readonly #connection: Connection;
  readonly #hurried = Promise.withResolvers<never>();

  constructor(script: readonly ScriptStep[], connection: Connection) {
    this.#script = script;
    this.#connection = connection;
    this.#hurried.promise.catch(() => {});
  }

  /** Follows the script, and rejects at the first step that fails. */
  async play(): Promise<void> {
    let place = "";
    let number = 0;
    try {
      for (const step of this.#script) {
        place = `Step ${++number} of ${this.#script.length}`;
        await this.#follow(step);
      }
      place = "After the last step";
      number++;
      if (this.#script.at(-1) !== "reset") await this.#expectEnd();
      await this.#connection.close();
    } catch (cause) {
      const error = new ScriptError(`${place}: ${messageOf(cause)}`, number, {
        cause,
      });
      this.#connection.abort(error);
      throw error;
    }
  }

  /** Fails the wait that is under way, and later ones. */
  hurry(): void {
    this.#hurried.reject(new Error("the other end was disposed of"));
  }

  async #follow(step: ScriptStep): Promise<void> {
    if (step === "expect end") return await this.#expectEnd();
    if (step === "half-close") return await this.#connection.closeWrite();
    if (step === "reset") return this.#connection.abort();
    if ("expect" in step) return await this.#expect(contentOf(step.expect));
    try {
      if ("send" in step) await this.#connection.write(contentOf(step.send));
      else await Promise.race([step.wait(), this.#hurried.promise]);
    } catch (cause) {
      const what = "send" in step ? show(contentOf(step.send)) : "a wait";
      throw new Error(`${what} failed: ${messageOf(cause)}`, { cause });
    }
  }

  async #expect(expected: Uint8Array): Promise<void> {
    for (let count = 0; count < expected.length;) {
      const next = await this.#read(expected.length - count);
      if (typeof next === "string") {
        const [wanted, got] = [
          show(expected),
          show(expected.subarray(0, count)),
        ];
        throw new Error(`expected ${wanted}, got ${got} and then ${next}`);
      }
      const wrong = next.findIndex((byte, i) => byte !== expected[count + i]);
      if (wrong >= 0) {
        const received = concat([expected.subarray(0, count), next]);
        const at = count + wrong;
        const [wanted, got] = [show(expected, at), show(received, at)];
        throw new Error(`expected ${wanted}, got ${got}`);
      }
      count += next.length;
    }
  }

  async #expectEnd(): Promise<void> {
    const next = await this.#read(EXCERPT_BYTES);
    if (next === END) return;
    const got = typeof next === "string" ? next : show(next);
    throw new Error(`expected ${END}, got ${got}`);
  }

  /** Reads at most `most` bytes; gives text about an end or an error. */
  async #read(most: number): Promise<Uint8Array | string> {
    try {
      const into = new Uint8Array(Math.min(most, READ_BYTES));
      const count = await this.#connection.read(into);
      return count === null ? END : into.subarray(0, count);
    } catch (error) {
      return String(error);
    }
  }
}

function contentOf(content: string | Uint8Array): Uint8Array {
  return typeof content === "string" ? bytes(content) : content;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
