import { startTimer } from "../../protocol/_util/start_timer.ts";
import { CallTimeoutError } from "../../protocol/errors.ts";
import { delay } from "../_deps.ts";
import { fateOf } from "../_wire/command_name.ts";
import { ExecInterruptedError } from "../errors.ts";
import type {
  GuestExecOptions,
  GuestExecResult,
} from "../guest_agent_options.ts";
import type { QMPMessage } from "../messages.ts";
import { type Agent, badResult, bytesOf, request, toBytes } from "./agent.ts";
import { toBase64 } from "./base64.ts";

/** The pauses between two requests for the status of a program. */
const MIN_PAUSE_MS = 5;
const MAX_PAUSE_MS = 500;

const STATUS = "guest-exec-status";

/** Runs a program in the guest to its end. */
export async function execInGuest(
  agent: Agent,
  path: string,
  options: GuestExecOptions,
): Promise<GuestExecResult> {
  const { args: arg, env, input, signal } = options;
  const command = "guest-exec";
  const args = {
    path,
    arg,
    env: env && Object.entries(env).map(([name, value]) => `${name}=${value}`),
    "input-data": input === undefined ? undefined : toBase64(toBytes(input)),
    "capture-output": true,
  };
  const session = agent.session();
  const over = signal ? AbortSignal.any([signal, session]) : session;
  const { pid } = await request(agent, command, args, { signal });
  if (typeof pid !== "number" && typeof pid !== "bigint") {
    throw badResult("pid is not an integer", command, args, { pid });
  }
  let pause = MIN_PAUSE_MS;
  for (;;) {
    // In another session, the number may be that of another program.
    if (session.aborted) {
      const cause = session.reason;
      throw new ExecInterruptedError({ execute: command }, true, { cause });
    }
    const status = await statusOf(agent, { pid }, signal);
    if (status.exited === true) return resultOf(status, { pid });
    await delay(pause, { signal: over }).catch(() => signal?.throwIfAborted());
    pause = Math.min(2 * pause, MAX_PAUSE_MS);
  }
}

/**
 * The status of a program. An agent sends the output once, and it may be large,
 * so the reply has no deadline while bytes arrive.
 */
async function statusOf(
  agent: Agent,
  args: object,
  signal: AbortSignal | undefined,
): Promise<QMPMessage> {
  using silence = new Silence(agent);
  return await request(agent, STATUS, args, {
    timeout: Infinity,
    onTurn: () => silence.watch(),
    signal: signal ? AbortSignal.any([signal, silence.signal]) : silence.signal,
  });
}

/** Aborts a signal when the agent has sent nothing for its `timeout`. */
class Silence implements Disposable {
  readonly #agent: Agent;
  readonly #aborter = new AbortController();
  #seen = -1;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(agent: Agent) {
    this.#agent = agent;
  }

  get signal(): AbortSignal {
    return this.#aborter.signal;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  watch(): void {
    const received = this.#agent.bytesReceived();
    if (received === this.#seen) return this.#abort();
    this.#seen = received;
    this.#timer = startTimer(() => this.watch(), this.#agent.timeout);
  }

  #abort(): void {
    const fate = fateOf({ execute: STATUS }, true);
    const { timeout } = this.#agent;
    const message = `Cannot execute ${fate}: nothing came for ${timeout} ms`;
    this.#aborter.abort(new CallTimeoutError(message, { method: STATUS }));
  }
}

function resultOf(status: QMPMessage, args: object): GuestExecResult {
  const code = integer(status.exitcode);
  return {
    success: code === 0,
    code,
    signal: integer(status.signal),
    stdout: bytesOf(status, "out-data", STATUS, args),
    stderr: bytesOf(status, "err-data", STATUS, args),
    stdoutTruncated: status["out-truncated"] === true,
    stderrTruncated: status["err-truncated"] === true,
  };
}

function integer(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
