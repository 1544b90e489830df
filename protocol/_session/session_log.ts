import type { Address } from "../../transports/transport.ts";
import type { Logger } from "../_deps.ts";
import { loggable } from "../_util/loggable.ts";
import { printable } from "../_util/printable.ts";
import { messageOf } from "../_util/show.ts";
import { EndOfStreamError } from "../errors.ts";
import type { Runstate } from "../runstate.ts";
import type { Hooks } from "./hooks.ts";

/** What is logged of a session. */
export class SessionLog {
  readonly #logger: Logger;
  readonly #hooks: Pick<Hooks<never, never>, "describe">;

  constructor(logger: Logger, hooks: Pick<Hooks<never, never>, "describe">) {
    this.#logger = logger;
    this.#hooks = hooks;
  }

  /** Whether messages are logged. */
  get logsMessages(): boolean {
    return this.#logger.isEnabledFor("debug");
  }

  /** A message that was received or sent. */
  message(direction: "→" | "←", message: unknown): void {
    let described: unknown;
    try {
      described = this.#hooks.describe(message);
    } catch (error) {
      described = error;
    }
    this.#logger.debug(`${direction} {message}`, {
      message: loggable(described),
    });
  }

  transition(from: Runstate, to: Runstate): void {
    this.#logger.debug("Transition from {from} to {to}", { from, to });
  }

  established(peer: Address | undefined): void {
    this.#logger.info("Session is established with {peer}", { peer });
  }

  /** An end that was to be expected. */
  end(cause: unknown): void {
    this.#logger.info("{message}", { message: printable(messageOf(cause)) });
  }

  /** A failure; the level is lower if a caller is told of it. */
  failure(error: unknown, level: "error" | "debug"): void {
    this.#logger[level]("Session failed: {error}", { error: loggable(error) });
  }

  /** What has happened after the first cause of the end. */
  laterCause(cause: unknown, level: "warn" | "debug"): void {
    // Once a session has ended, its stream ends too.
    if (cause instanceof EndOfStreamError) return;
    this.#logger[level]("Later cause: {cause}", { cause: loggable(cause) });
  }

  /** The loss of what was queued. */
  unsent(unsentBytes: number): void {
    if (unsentBytes === 0) return;
    this.#logger.warn("{unsentBytes} bytes were not sent", { unsentBytes });
  }

  /** A handler that holds the reader for long. */
  slowHandler(): void {
    this.#logger.warn(
      "onMessage() has not settled for 5 seconds: no message is handed over " +
        "until it does. If it waits for a message, it waits for ever",
    );
  }
}
