import { TextLineStream } from "@std/streams";
import { BoundSocket } from "./libc.ts";

/** The files that a rival puts at a path. */
export type Act =
  /** A regular file, by a rename. */
  | "rename"
  /** A socket in place of the existing file, which does not listen yet. */
  | "bind"
  /** The same, and it listens at once. */
  | "listen";

/**
 * Another process that puts a file at a path. Its calls come at any moment
 * between the calls of this process.
 */
export class Rival implements AsyncDisposable {
  readonly #child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", import.meta.url],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  readonly #writer = this.#child.stdin.getWriter();
  readonly #lines = this.#child.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream()).getReader();

  /** Acts after a delay, and returns the inode of its file. */
  async act(act: Act, path: string, delayMs: number): Promise<number> {
    const order = `${JSON.stringify([act, path, delayMs])}\n`;
    await this.#writer.write(new TextEncoder().encode(order));
    const { value } = await this.#lines.read();
    if (value === undefined) throw new Error("Cannot act: the rival has ended");
    return Number(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    while (!(await this.#lines.read()).done);
    await this.#child.status;
  }
}

/** A file that was put at a path, and the descriptor to close later. */
type Done = { ino: number | null } & Partial<Disposable>;

const acts: Record<Act, (path: string) => Done> = {
  rename(path) {
    const own = `${path}-own`;
    const { ino } = Deno.lstatSync(own);
    Deno.renameSync(own, path);
    return { ino };
  },
  bind: (path) => bind(path, () => {}),
  listen: (path) => bind(path, (socket) => socket.listen()),
};

function bind(path: string, then: (socket: BoundSocket) => void): Done {
  const socket = untilDone(() => {
    untilDone(() => Deno.removeSync(path));
    return new BoundSocket(path);
  });
  then(socket);
  // It may be moved aside for a moment.
  const { ino } = untilDone(() => Deno.lstatSync(path));
  return { ino, [Symbol.dispose]: () => socket[Symbol.dispose]() };
}

/** Another process may have removed a file, or put one there. */
function untilDone<T>(attempt: () => T): T {
  for (let left = 10_000;; left--) {
    try {
      return attempt();
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}

async function main(): Promise<void> {
  const orders = Deno.stdin.readable.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  let last: Partial<Disposable> | undefined;
  for await (const order of orders) {
    const [act, path, delayMs]: [Act, string, number] = JSON.parse(order);
    last?.[Symbol.dispose]?.();
    if (act === "rename") Deno.writeTextFileSync(`${path}-own`, "precious");
    const end = performance.now() + delayMs;
    while (performance.now() < end);
    const done = acts[act](path);
    console.log(done.ino);
    last = done;
  }
}

if (import.meta.main) await main();
