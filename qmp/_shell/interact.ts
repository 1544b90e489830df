import { EndOfStreamError, ParleyError } from "../../protocol/errors.ts";
import type { QMPClient } from "../client.ts";
import { Conversation } from "./conversation.ts";
import type { Dialect } from "./dialect.ts";
import { ShellHistory } from "./history.ts";
import type { Output, Sink } from "./output.ts";
import { Terminal } from "./terminal.ts";
import { LineError } from "./words.ts";

/** What to talk in, and how to show what comes. */
export interface InteractOptions {
  dialect: Dialect;
  /** What is shown first. */
  welcome: string;
  outputTo(sink: Sink): Output;
}

/**
 * Executes what is typed in the terminal, until somebody leaves or the session
 * ends; false where that was Ctrl-C.
 *
 * @throws {ParleyError} The session has failed.
 */
export async function interact(
  client: QMPClient,
  { dialect, welcome, outputTo }: InteractOptions,
): Promise<boolean> {
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
    const conversation = new Conversation(client, dialect, output);
    terminal.out(welcome);
    conversation.showEvents();
    terminal.prompt(dialect.prompt);
    for await (const line of terminal.lines) {
      terminal.rest();
      await history.add(line);
      try {
        await conversation.execute(line, interrupt.signal);
      } catch (error) {
        if (client.signal.aborted || interrupt.signal.aborted) break;
        const told = error instanceof LineError || error instanceof ParleyError;
        if (!told) throw error;
        terminal.err(error.message);
      }
      terminal.prompt(dialect.prompt);
    }
  }
  const { signal } = interrupt;
  if (client.signal.aborted) await sessionEnd(client);
  // Who is in a hurry does not wait for a server that may be silent.
  else if (signal.aborted) await client.disconnect({ signal }).catch(() => {});
  return !signal.aborted;
}

/** Tells of an end that nobody has asked for. */
async function sessionEnd(client: QMPClient): Promise<void> {
  try {
    await client.closed;
  } catch (error) {
    if (!(error instanceof EndOfStreamError)) throw error;
    console.error("The server has ended the session");
  }
}
