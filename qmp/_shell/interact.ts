import { EndOfStreamError, ParleyError } from "../../protocol/errors.ts";
import { hasEndedByGuest, QMPClient } from "../client.ts";
import { Conversation } from "./conversation.ts";
import type { Dialect } from "./dialect.ts";
import { ShellHistory } from "./history.ts";
import type { Output, Sink } from "./output.ts";
import type { Partner } from "./partner.ts";
import { Terminal } from "./terminal.ts";
import { LineError } from "./words.ts";

/** The dialect of the lines, and the output. */
export interface InteractOptions {
  dialect: Dialect;
  /** The first text that is shown. */
  welcome: string;
  outputTo(sink: Sink): Output;
}

/**
 * Executes the lines that are typed in the terminal, until the user leaves or the
 * session ends; returns false if the user left by Ctrl-C.
 *
 * @throws {ParleyError} The session has failed.
 */
export async function interact(
  partner: Partner,
  { dialect, welcome, outputTo }: InteractOptions,
): Promise<boolean> {
  const { client } = partner;
  const history = await ShellHistory.load();
  const interrupt = new AbortController();
  {
    using terminal = new Terminal({
      history: history.lines,
      complete: (line) => dialect.complete(line),
      onInterrupt: () => {
        interrupt.abort();
        terminal.close();
      },
    });
    const close = () => terminal.close();
    client.closed.then(close, close);
    const output = outputTo(terminal);
    const conversation = new Conversation(partner, dialect, output);
    output.note(welcome);
    // The end of the session ends the events, and is reported below.
    conversation.showEvents().catch(close);
    terminal.prompt(dialect.prompt);
    for await (const line of terminal.lines) {
      terminal.rest();
      await history.add(line);
      if (line.trim() === "help" && dialect.help) output.note(dialect.help);
      else {
        try {
          await conversation.execute(line, interrupt.signal);
        } catch (error) {
          if (client.signal.aborted || interrupt.signal.aborted) break;
          const isTold = error instanceof LineError ||
            error instanceof ParleyError;
          if (!isTold) throw error;
          output.error(error.message);
        }
      }
      terminal.prompt(dialect.prompt);
    }
  }
  const { signal } = interrupt;
  if (client.signal.aborted) await sessionEnd(partner);
  // After Ctrl-C, do not wait for a server that may be silent.
  else if (signal.aborted) await client.disconnect({ signal }).catch(() => {});
  return !signal.aborted;
}

/** Reports the end of the session, unless the user asked for it. */
async function sessionEnd({ client }: Partner): Promise<void> {
  try {
    await client.closed;
    if (!(client instanceof QMPClient && hasEndedByGuest(client))) return;
  } catch (error) {
    if (!(error instanceof EndOfStreamError)) throw error;
  }
  console.error("The server has ended the session");
}
