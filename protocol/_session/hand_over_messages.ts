import type { HandlerTimer } from "./handler_timer.ts";
import type { Hooks } from "./hooks.ts";
import type { MessageReader } from "./message_reader.ts";
import type { SessionBudget } from "./session_budget.ts";
import type { SessionLog } from "./session_log.ts";

/** The parts of a session that have to do with its incoming messages. */
export interface Receiving<In> {
  readonly reader: MessageReader<In>;
  readonly hooks: Hooks<In, never>;
  readonly log: SessionLog;
  readonly budget: SessionBudget;
  readonly handlerTimer: HandlerTimer;
}

/**
 * Hands over every message, one after the other, until the stream ends or the
 * reader is stopped. A handler's promise holds the next message and the reader;
 * so does the budget, while it is exceeded.
 */
export async function handOverMessages<In>(
  { reader, hooks, log, budget, handlerTimer }: Receiving<In>,
): Promise<void> {
  const started = hooks.onSessionStart();
  if (started) await started;
  if (reader.pending) await reader.pending;
  do {
    const logging = log.logsMessages;
    for (;;) {
      const message = reader.decode();
      if (message === undefined) break;
      if (logging) log.message("←", message);
      const { messageBytes } = reader;
      const held = hooks.onMessage(hooks.filterInbound(message), messageBytes);
      // To wait for nothing would cost each message a turn.
      if (held) {
        reader.count();
        handlerTimer.begin();
        await held;
        handlerTimer.end();
      }
      // Only what handlers keep or send can exceed it here.
      if (budget.used > 0 && budget.exceeded) {
        reader.count();
        await budget.room();
      }
    }
  } while (reader.fill(await reader.read()));
  if (!reader.stopped) await hooks.onEnd();
}
