import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Opening } from "./openings.ts";
import {
  attempt,
  broken,
  deaf,
  disconnect,
  drained,
  ended,
  givenUp,
  gone,
  greeted,
  heard,
  IDLE,
  type Known,
  negotiate,
  type Predict,
  released,
  RUNNING,
  said,
} from "./predictions.ts";
import type { Remote } from "./remote.ts";
import type { Deed, Negotiation } from "./talker.ts";
import type { Attempt, SignalKind, World } from "./world.ts";

/** `undefined` if the model does not know: then only the laws are checked. */
export interface Model {
  known: Known | undefined;
  /** Whether a step may follow while work is still pending. */
  readonly racing: boolean;
  readonly world: World;
  /** How many steps have been done. */
  steps: number;
}

/** One step: its action, and the outcome that the model predicts. */
class Step implements fc.AsyncCommand<Model, World> {
  readonly #name: string;
  readonly #turns: number;
  readonly #act: (world: World) => void;
  readonly #predict: Predict;

  constructor(
    name: string,
    turns: number,
    act: (world: World) => void,
    predict: Predict = (known) => known,
  ) {
    this.#name = name;
    this.#turns = turns;
    this.#act = act;
    this.#predict = predict;
  }

  /** The other end's actions matter only if there is a session. */
  check({ world }: Model): boolean {
    return !this.#name.startsWith("remote") ||
      world.talker.runstate !== "idle";
  }

  async run(model: Model, world: World): Promise<void> {
    const { known, racing } = model;
    model.known = undefined;
    model.steps++;
    const next = known && this.#predict(known, world);
    this.#act(world);
    const turns = racing ? this.#turns : Infinity;
    await world.settle(turns);
    if (turns !== Infinity) return;
    const { runstate } = world.talker;
    if (next) assertEquals(runstate, next.state);
    model.known = next ?? (runstate === "idle" ? IDLE : undefined);
  }

  toString(): string {
    return `${this.#name} +${this.#turns}`;
  }
}

const turns = fc.constantFrom(Infinity, Infinity, 0, 1, 2, 3, 5, 8, 13);

/** Steps of one kind, each with something to choose. */
function steps<T>(
  name: string,
  choices: fc.Arbitrary<T>,
  act: (world: World, choice: T) => void,
  predict?: (choice: T) => Predict,
): fc.Arbitrary<Step> {
  return fc.tuple(choices, turns).map(([choice, turns]) =>
    new Step(
      `${name} ${fc.stringify(choice)}`,
      turns,
      (world) => act(world, choice),
      predict?.(choice),
    )
  );
}

function remoteSteps<T>(
  name: string,
  choices: fc.Arbitrary<T>,
  act: (remote: Remote, choice: T) => void,
  predict?: (choice: T) => Predict,
): fc.Arbitrary<Step> {
  const there = (world: World, choice: T) => {
    if (world.remote) act(world.remote, choice);
  };
  return steps(`remote ${name}`, choices, there, predict);
}

const signals = fc.constantFrom<SignalKind>(
  "none",
  "none",
  "signal",
  "aborted",
);
const nothing = fc.constant("");

const attempts = fc.record<Attempt>({
  verb: fc.constantFrom("connection", "connect", "accept", "listener"),
  opening: fc.constantFrom<Opening>(
    "meets",
    "meets",
    "refused",
    "throws",
    "never",
    "late",
  ),
  negotiation: fc.constantFrom<Negotiation>(
    "none",
    "none",
    "hello",
    "silent",
    "failing",
    "throwing",
  ),
  signal: signals,
  stalled: fc.boolean(),
  lingers: fc.boolean(),
});

/** Attempts that lead to a session. */
const sessions = fc.record<Attempt>({
  verb: fc.constantFrom("connection", "connect", "accept", "listener"),
  opening: fc.constant("meets"),
  negotiation: fc.constant("none"),
  signal: fc.constantFrom("none", "signal"),
  stalled: fc.boolean(),
  lingers: fc.boolean(),
});

/** All steps, the more useful ones several times. */
export const anyStep: fc.Arbitrary<Step>[] = [
  ...[sessions, sessions, sessions, attempts, attempts].map((attempts) =>
    steps("connect", attempts, (world, how) => world.connect(how), attempt)
  ),
  ...[1, 2].map(() =>
    steps("disconnect", signals, (world, s) => world.disconnect(s), disconnect)
  ),
  steps(
    "disconnect with reason",
    signals,
    (world, s) => world.disconnect(s, new Error("reason")),
    disconnect,
  ),
  ...[1, 2].map(() =>
    steps(
      "send",
      fc.tuple(fc.constantFrom("small", "large", "large"), signals),
      (world, [what, signal]) => world.send(what, signal),
      ([, signal]) => signal === "aborted" ? (known) => known : said,
    )
  ),
  steps("send bigint", signals, (world, s) => world.send("bigint", s)),
  steps("request", nothing, (world) => world.request(), () => said),
  steps("flush", signals, (world, s) => world.flush(s)),
  steps("end", signals, (world, s) => world.end(s), () => () => undefined),
  steps("receive", signals, (world, s) => world.receive(s)),
  steps("iterate", nothing, (world) => world.iterate()),
  steps("watch", nothing, (world) => world.watch()),
  steps("next", signals, (world, s) => world.nextRunstate(s)),
  steps(
    "abort",
    fc.nat(3),
    (world, i) => world.abort(i),
    (i) => (known, world) => {
      const { signal } = world.signals.at(-1 - i) ?? {};
      if (!signal || signal.aborted) return known;
      if (known.state === "disconnecting") return undefined;
      return signal === world.attempt ? givenUp(known) : known;
    },
  ),
  steps(
    "release",
    nothing,
    (world) => world.talker.release(),
    () => (known) => known.state === "running" ? RUNNING : known,
  ),
  steps(
    "deliver",
    nothing,
    (world) => world.deliver(),
    () => (known) => {
      if (known.state === "connecting" && known.awaits === "late") {
        return negotiate(known.negotiation);
      }
      return known.state === "disconnecting" && known.awaits === "late"
        ? released(known)
        : known;
    },
  ),
  steps("pass", nothing, (world) => world.pass(), () => released),
  ...[1, 2].map(() =>
    remoteSteps(
      "send",
      fc.array(fc.constantFrom<Deed>("queue", "hold", "throw", "reject"), {
        minLength: 1,
        maxLength: 3,
      }),
      (remote, deeds) => remote.send(deeds),
      heard,
    )
  ),
  remoteSteps("hello", nothing, (r) => r.write('"hello"\n'), () => greeted),
  remoteSteps(
    "reply",
    nothing,
    (remote) => remote.reply(),
    () => (known) => known.state === "running" ? known : undefined,
  ),
  remoteSteps(
    "garbage",
    fc.constantFrom("{nope}\n", "x".repeat(300), "\xff\n"),
    (remote, text) => remote.write(text),
    () => broken(false),
  ),
  remoteSteps(
    "half",
    nothing,
    (r) => r.write('{"reply":'),
    () => () => undefined,
  ),
  remoteSteps("end", nothing, (remote) => remote.end(), () => ended),
  remoteSteps(
    "close",
    nothing,
    (remote) => void remote.close(),
    () => (known, world) => gone(known, world),
  ),
  remoteSteps("reset", nothing, (remote) => remote.reset(), () => gone),
  remoteSteps("deaf", nothing, (remote) => remote.stopReading(), () => deaf),
  remoteSteps("read", nothing, (remote) => remote.read(), () => drained),
];
