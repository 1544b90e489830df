import { type Codec, jsonLines, Peer } from "../../protocol/mod.ts";

/** A message of one of the sessions. */
export interface SoakMessage {
  readonly session: number;
  /** Counts the messages of a session from 0. */
  readonly i: number;
  readonly pad: string;
  /** Whether the server echoes it. */
  readonly echo: boolean;
  /** A checksum of the other members, which detects every wrong bit. */
  readonly sum: number;
}

export function codec(): Codec<SoakMessage> {
  return jsonLines<SoakMessage>({ maxMessageBytes: 1024 * 1024 });
}

/** Makes a message with its checksum. */
export function message(
  session: number,
  i: number,
  pad: string,
  echo: boolean,
): SoakMessage {
  return { session, i, pad, echo, sum: sumOf(session, i, pad, echo) };
}

/** Fails if a message was changed, or is not the next one. */
export function check(message: SoakMessage, next: number): void {
  const { session, i, pad, echo, sum } = message;
  if (typeof pad !== "string" || sum !== sumOf(session, i, pad, echo)) {
    throw new Error("A message has changed on its way");
  }
  if (i !== next) throw new Error(`Message ${i} came instead of ${next}`);
}

/** The number of messages that the server has got of a session, and its end. */
export interface Got {
  messages: number;
  readonly all: PromiseWithResolvers<void>;
}

/** The records of a server's sessions. */
export interface Register {
  /** By session; its client enters it. */
  readonly got: Map<number, Got>;
  /** The ends of the sessions that are open. */
  readonly open: Set<Promise<void>>;
}

/** Sends messages back. */
export class Echo extends Peer<SoakMessage> {
  readonly #register: Register;
  #messages = 0;

  constructor(register: Register) {
    super({ codec, closeTimeout: 20_000 });
    this.#register = register;
  }

  protected override createCodec(): Codec<SoakMessage> {
    const { open } = this.#register;
    const end = this.closed.catch(() => {}).then(() => void open.delete(end));
    open.add(end);
    return super.createCodec();
  }

  protected override onMessage(message: SoakMessage): void | Promise<void> {
    check(message, this.#messages);
    const got = this.#register.got.get(message.session);
    if (this.#messages++ === 0) {
      const all = () => got?.all.resolve();
      this.closed.then(all, all);
    }
    if (got) got.messages = this.#messages;
    if (message.echo) return this.send(message);
  }
}

function sumOf(
  session: number,
  i: number,
  pad: string,
  echo: boolean,
): number {
  let sum = (session * 31 + i) * 2 + Number(echo);
  for (let at = 0; at < pad.length; at++) {
    sum = Math.imul(sum, 31) + pad.charCodeAt(at) | 0;
  }
  return sum;
}
