const LINES = 1000;

/** The lines of before, in a file that only its owner can read. */
export class ShellHistory {
  #path: string | undefined;
  /** The last one first. */
  readonly lines: string[];
  #last: string | undefined;

  constructor(path: string | undefined, lines: string[]) {
    this.#path = path;
    this.lines = lines;
    this.#last = lines[0];
  }

  /** Reads the file; where that cannot be, nothing is kept. */
  static async load(): Promise<ShellHistory> {
    const path = await historyPath();
    if (path === undefined) return new ShellHistory(undefined, []);
    try {
      const all = (await Deno.readTextFile(path)).split("\n").filter(Boolean);
      const lines = all.slice(-LINES);
      if (all.length > 2 * LINES) {
        await Deno.writeTextFile(path, `${lines.join("\n")}\n`);
      }
      return new ShellHistory(path, lines.reverse());
    } catch (error) {
      const isNew = error instanceof Deno.errors.NotFound;
      return new ShellHistory(isNew ? path : undefined, []);
    }
  }

  /** Keeps a line; where that cannot be, no more are kept. */
  async add(line: string): Promise<void> {
    if (!this.#path || line.trim() === "" || line === this.#last) return;
    this.#last = line;
    const folder = this.#path.slice(0, this.#path.lastIndexOf("/"));
    try {
      await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
      await Deno.writeTextFile(this.#path, `${line}\n`, {
        append: true,
        mode: 0o600,
      });
    } catch {
      this.#path = undefined;
    }
  }
}

/** Where the file is, if it may be read and written. */
async function historyPath(): Promise<string | undefined> {
  const state = await environment("XDG_STATE_HOME");
  const home = await environment("HOME");
  const folder = state ?? (home && `${home}/.local/state`);
  if (!folder) return undefined;
  const path = `${folder}/parley/qmp_history`;
  const may = await granted({ name: "read", path }) &&
    await granted({ name: "write", path: `${folder}/parley` });
  return may ? path : undefined;
}

/** What the environment says, where it may be asked. */
async function environment(variable: string): Promise<string | undefined> {
  return await granted({ name: "env", variable })
    ? Deno.env.get(variable) || undefined
    : undefined;
}

/** Whether we may, without anybody being asked for it. */
async function granted(
  permission: Deno.PermissionDescriptor,
): Promise<boolean> {
  const { state } = await Deno.permissions.query(permission);
  return state === "granted";
}
