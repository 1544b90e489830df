import { abortable } from "@std/async";
import { Peer } from "../../protocol/mod.ts";
import type { Fault } from "../../testing/fault_plan.ts";
import { faulty } from "../../testing/faulty.ts";
import type { Transport } from "../../transports/mod.ts";
import {
  check,
  codec,
  type Got,
  message,
  type Register,
  type SoakMessage,
} from "./server.ts";

const HARMLESS: readonly Fault[] = ["split", "delay"];
const HARMFUL: readonly Fault[] = [
  "split",
  "delay",
  "stall",
  "truncate",
  "reset",
  "corrupt",
  "half-close",
];
/** Longer than any session without a stall. */
const DEADLINE_MS = 30_000;
/** How long a session goes on after a fault that it need not survive. */
const PATIENCE_MS = 50;

/** The totals of all sessions. */
export interface Totals {
  sessions: number;
  inOrder: number;
  failedAsPlanned: number;
  faults: number;
  sent: number;
  received: number;
  lost: number;
  /** Errors that the plan does not explain. */
  readonly errors: unknown[];
}

/** The totals before the first session. */
export function noTotals(): Totals {
  return {
    sessions: 0,
    inOrder: 0,
    failedAsPlanned: 0,
    faults: 0,
    sent: 0,
    received: 0,
    lost: 0,
    errors: [],
  };
}

/** One session of a client, from its connection to its end. */
export class SoakClient {
  readonly #id: number;
  readonly #random: () => number;
  readonly #transport: Transport;
  readonly #faults: Fault[] = [];
  readonly #peer = new Peer<SoakMessage>({ codec, closeTimeout: 20_000 });
  readonly #got: Got = { messages: 0, all: Promise.withResolvers() };
  readonly #count: number;
  /** Whether it asks for an echo of its messages, and waits for it. */
  readonly #echo: boolean;
  readonly #deadline = new AbortController();
  readonly #timers: ReturnType<typeof setTimeout>[] = [];
  #sent = 0;
  #received = 0;

  constructor(id: number, transport: Transport, random: () => number) {
    this.#id = id;
    this.#random = random;
    this.#count = 1 + Math.floor(200 * random());
    this.#echo = random() < 0.7;
    const faults = random() < 0.5 ? HARMLESS : HARMFUL;
    this.#transport = random() < 0.3 ? transport : faulty(transport, {
      seed: id,
      faults,
      every: 10_000,
      onFault: ({ fault }) => {
        this.#faults.push(fault);
        if (!HARMLESS.includes(fault)) this.#endAfter(PATIENCE_MS);
      },
    });
  }

  /** Runs the session, and adds its outcome to the totals. */
  async run(register: Register, totals: Totals): Promise<void> {
    register.got.set(this.#id, this.#got);
    const { signal } = this.#deadline;
    this.#endAfter(DEADLINE_MS);
    const stop = () => void this.#peer.disconnect({ signal }).catch(() => {});
    signal.addEventListener("abort", stop);
    try {
      await this.#talk(signal);
      totals.inOrder++;
    } catch (error) {
      if (this.#harmed) totals.failedAsPlanned++;
      else totals.errors.push(new Error(`${this}`, { cause: error }));
    } finally {
      for (const timer of this.#timers) clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      // If it has failed, do not wait for a stuck session.
      this.#deadline.abort();
      await this.#peer.disconnect({ signal }).catch(() => {});
      register.got.delete(this.#id);
      totals.sessions++;
      totals.faults += this.#faults.length;
      totals.sent += this.#sent;
      totals.received += this.#received;
      if (!this.#harmed) totals.lost += this.#lost;
    }
  }

  toString(): string {
    const what = this.#echo ? "waits for all" : "sends and leaves";
    return `Session ${this.#id} over ${this.#transport}, which ${what}: ` +
      `${this.#count} messages, ${this.#sent} sent, ${this.#received} came ` +
      `back, the server got ${this.#got.messages}`;
  }

  get #harmed(): boolean {
    return this.#faults.some((fault) => !HARMLESS.includes(fault));
  }

  get #lost(): number {
    const { messages } = this.#got;
    return this.#sent - (this.#echo ? this.#received : messages);
  }

  #endAfter(ms: number): void {
    const late = new Error(`Session has taken longer than ${ms} ms`);
    this.#timers.push(setTimeout(() => this.#deadline.abort(late), ms));
  }

  async #talk(signal: AbortSignal): Promise<void> {
    const peer = this.#peer;
    await peer.connect(this.#transport, { signal });
    const reading = this.#read();
    // It is awaited below, unless the session has failed before.
    reading.catch(() => {});
    while (this.#sent < this.#count) {
      const pad = this.#pad();
      await peer.send(message(this.#id, this.#sent++, pad, this.#echo));
    }
    if (this.#echo) await reading;
    await peer.disconnect({ signal });
    if (!this.#echo) await abortable(this.#got.all.promise, signal);
    signal.throwIfAborted();
    if (this.#lost > 0) throw new Error(`${this.#lost} messages are missing`);
  }

  async #read(): Promise<void> {
    for await (const message of this.#peer) {
      check(message, this.#received++);
      if (this.#received === this.#count) return;
    }
  }

  /** Mostly short, sometimes long, rarely larger than all buffers. */
  #pad(): string {
    const kind = this.#random();
    const limit = kind < 0.9 ? 200 : kind < 0.998 ? 20_000 : 400_000;
    return "x".repeat(Math.floor(limit * this.#random()));
  }
}
