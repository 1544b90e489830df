/** The end of an `openssl` command, and its output. */
export interface OpensslOutcome {
  readonly code: number;
  /** Its standard output, then its standard error. */
  readonly said: string;
}

/** A running `openssl` command, which ends when its input ends. */
export class Openssl implements AsyncDisposable {
  readonly #folder: string;
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<Deno.CommandOutput>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;

  constructor(folder: string, child: Deno.ChildProcess) {
    this.#folder = folder;
    this.#child = child;
    this.#output = child.output();
    this.#input = child.stdin.getWriter();
  }

  /**
   * Starts a command.
   *
   * @param files Written into the folder that is the command's own, by name.
   */
  static async start(
    args: readonly string[],
    files: Readonly<Record<string, string>> = {},
  ): Promise<Openssl> {
    const folder = await Deno.makeTempDir();
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    const child = new Deno.Command("openssl", {
      args: [...args],
      cwd: folder,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    return new Openssl(folder, child);
  }

  write(text: string): Promise<void> {
    return this.#input.write(new TextEncoder().encode(text));
  }

  /** Reads a file that the command has written. */
  file(name: string): Promise<string> {
    return Deno.readTextFile(`${this.#folder}/${name}`);
  }

  /** Ends the command's input, and waits until it ends. */
  async end(): Promise<OpensslOutcome> {
    await this.#input.close().catch(() => {});
    return await this.outcome();
  }

  /** Waits until the command ends by itself. */
  async outcome(): Promise<OpensslOutcome> {
    const { code, stdout, stderr } = await this.#output;
    const decoder = new TextDecoder();
    return { code, said: decoder.decode(stdout) + decoder.decode(stderr) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    try {
      this.#child.kill();
    } catch {
      // It has ended.
    }
    await this.#output;
    await Deno.remove(this.#folder, { recursive: true });
  }
}
