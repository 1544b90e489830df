import { type Connection, memoryPair } from "../transports/mod.ts";
import { ScriptRun } from "./_script/script_run.ts";
import type { ScriptStep } from "./script.ts";

/** A peer that follows a script, seen from the other end. */
export interface ScriptedPeer extends AsyncDisposable {
  /** The other end, for the code under test, which owns it. */
  readonly connection: Connection;
  /**
   * Fulfils when the script is done and the other end has ended, with nothing
   * unexpected. It never counts as an unhandled rejection.
   *
   * @throws {ScriptError} The other end does something else; at once.
   */
  readonly done: Promise<void>;
  /**
   * Ends the connection, and rejects like `done`: a script that is not done is an
   * error.
   */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Plays the other side of a protocol, over memory, by a list of steps. After the
 * last step it expects the end.
 *
 * Anything else fails it at once: `done` rejects with a {@linkcode ScriptError}
 * that has the step, the expected bytes and the bytes that came, and the
 * connection is reset.
 *
 * @param script The steps, in order.
 *
 * @example A client that says hello and goodbye
 * ```ts
 * import { scriptedPeer } from "@parley/parley/testing";
 * import { lines, Peer } from "@parley/parley/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = scriptedPeer([
 *   { send: "Who is there?\n" },
 *   { expect: "Ann\n" },
 *   { send: "Hello Ann\n" },
 *   "expect end",
 * ]);
 *
 * await using client = new Peer<string>({ codec: lines });
 * await client.connect(server.connection);
 * const messages = client[Symbol.asyncIterator]();
 * assertEquals((await messages.next()).value, "Who is there?");
 * await client.send("Ann");
 * assertEquals((await messages.next()).value, "Hello Ann");
 * await client.disconnect();
 * ```
 */
export function scriptedPeer(script: readonly ScriptStep[]): ScriptedPeer {
  const [connection, own] = memoryPair({ name: "scripted-peer" });
  const run = new ScriptRun([...script], own);
  const done = run.play();
  done.catch(() => {});
  return {
    connection,
    done,
    async [Symbol.asyncDispose]() {
      run.hurry();
      await connection.close();
      await done;
    },
  };
}
