import { deadline } from "@std/async";
import { TextLineStream } from "@std/streams";

const WAIT_MS = 30_000;

/** A program in a real pseudo-terminal, in a tmux of its own. */
export class TestTerminal implements AsyncDisposable {
  /** The folder of tmux's socket, and nothing else. */
  readonly #folder: string;
  readonly #control: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #read: Promise<void>;
  /** Fulfils when something is written to the terminal, or it has ended. */
  #changed = Promise.withResolvers<void>();
  #ended = false;

  constructor(folder: string, command: string, columns: number) {
    this.#folder = folder;
    // In control mode tmux reports each change: nothing is polled.
    this.#control = new Deno.Command("tmux", {
      args: [
        ...["-S", `${folder}/socket`, "-f", "/dev/null", "-C", "new-session"],
        ...["-x", String(columns), "-y", "50", `${command}; echo "[$?]"; cat`],
      ],
      env: { TERM: "xterm-256color", LC_ALL: "C.UTF-8" },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#writer = this.#control.stdin.getWriter();
    this.#read = this.#readNotifications();
  }

  /** Runs a shell's command, and then writes its exit code in brackets. */
  static async run(
    command: string,
    { columns = 80 } = {},
  ): Promise<TestTerminal> {
    const folder = await Deno.makeTempDir({ prefix: "parley-" });
    const terminal = new TestTerminal(folder, command, columns);
    await terminal.#changed.promise;
    return terminal;
  }

  /** Types a text. */
  async type(text: string): Promise<void> {
    await this.#tmux("send-keys", "-l", "--", text);
  }

  /** Presses a key, by the name that tmux has for it. */
  async press(key: string): Promise<void> {
    await this.#tmux("send-keys", key);
  }

  /** Types a line, and enters it when the terminal shows it. */
  async enter(line: string): Promise<void> {
    await this.type(line);
    await this.shows((text) => text.trimEnd().endsWith(line));
    await this.press("Enter");
  }

  /** The text of the terminal, with everything that has scrolled away. */
  screen(): Promise<string> {
    return this.#tmux("capture-pane", "-p", "-J", "-S", "-");
  }

  /** The same with its colours, as escape sequences. */
  colouredScreen(): Promise<string> {
    return this.#tmux("capture-pane", "-p", "-e", "-J", "-S", "-");
  }

  /** The title that the program has given to the terminal. */
  async title(): Promise<string> {
    const title = await this.#tmux("display-message", "-p", "#{pane_title}");
    return title.trim() === Deno.hostname() ? "" : title.trim();
  }

  /** The texts that the program has put on the clipboard. */
  async clipboard(): Promise<string> {
    return await this.#tmux("list-buffers");
  }

  /** Waits until the text of the terminal matches, and returns the text. */
  async shows(wanted: RegExp | ((text: string) => boolean)): Promise<string> {
    const found = wanted instanceof RegExp
      ? (text: string) => wanted.test(text)
      : wanted;
    for (;;) {
      const { promise } = this.#changed;
      const text = await this.screen();
      if (found(text)) return text;
      if (this.#ended) throw new Error(`Not shown: ${wanted}:\n${text}`);
      try {
        await deadline(promise, WAIT_MS);
      } catch (cause) {
        throw new Error(`Not shown: ${wanted}:\n${text}`, { cause });
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux("kill-server").catch(() => {}); // It may have ended.
    await this.#writer.close().catch(() => {});
    await this.#read;
    await this.#control.status;
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #tmux(...args: string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command("tmux", {
      args: ["-S", `${this.#folder}/socket`, ...args],
    }).output();
    const decoder = new TextDecoder();
    if (!success) throw new Error(decoder.decode(stderr));
    return decoder.decode(stdout);
  }

  async #readNotifications(): Promise<void> {
    const lines = this.#control.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    for await (const _ of lines) this.#change();
    this.#ended = true;
    this.#change();
  }

  #change(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }
}
