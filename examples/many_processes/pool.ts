import { TextLineStream } from "@std/streams";

/** A process that serves the port of its pool. */
interface Worker {
  readonly process: Deno.ChildProcess;
  readonly port: number;
}

/** Processes that serve one port. When it is disposed of, they have ended. */
export class Pool implements AsyncDisposable {
  readonly #workers: Worker[] = [];

  /** Starts so many processes, at this port or, with 0, at a free one. */
  static async start(count: number, port = 0): Promise<Pool> {
    if (!(Number.isInteger(count) && count > 0)) {
      throw new RangeError(
        `Cannot start a pool: count is ${count}: it must be an integer from 1`,
      );
    }
    await using cleanup = new AsyncDisposableStack();
    const pool = cleanup.use(new Pool());
    for (let i = 0; i < count; i++) {
      pool.#workers.push(await startWorker(pool.#workers[0]?.port ?? port));
    }
    cleanup.move();
    return pool;
  }

  get port(): number {
    return this.#workers[0]?.port ?? 0;
  }

  get pids(): number[] {
    return this.#workers.map(({ process }) => process.pid);
  }

  /** Replaces the processes one by one; a new one serves before an old one ends. */
  async restart(): Promise<void> {
    for (const old of [...this.#workers]) {
      this.#workers.push(await startWorker(old.port));
      this.#workers.splice(this.#workers.indexOf(old), 1);
      await shutDown(old);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ends = this.#workers.splice(0).map(shutDown);
    await Promise.allSettled(ends); // if one has failed, the others end, too
    await Promise.all(ends);
  }
}

async function startWorker(port: number): Promise<Worker> {
  const worker = new URL("worker.ts", import.meta.url).href;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-net", "--unstable-net", worker, `${port}`],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const lines = process.stdout
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  // It prints nothing else.
  for await (const line of lines) return { process, port: Number(line) };
  await shutDown({ process, port });
  throw new Error(`A worker at port ${port} has ended before it served`);
}

/** Ends a process in order: its clients move to the others. */
async function shutDown({ process }: Worker): Promise<void> {
  // It may have ended by itself.
  await process.stdin.close().catch(() => {});
  const { success, code } = await process.status;
  if (!success) throw new Error(`A worker has exited with code ${code}`);
}
