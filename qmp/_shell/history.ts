import { mayHaveSecret } from "../_wire/secrets.ts";

/** How many lines of earlier shells are read. */
const LINES = 1000;

/** The lines of earlier shells, in a file that only its owner can read. */
export class ShellHistory {
  #path: string | undefined;
  /** The latest line first. */
  readonly lines: string[];
  #last: string | undefined;

  constructor(path: string | undefined, lines: string[]) {
    this.#path = path;
    this.lines = lines;
    this.#last = lines[0];
  }

  /** Reads the file. If it cannot be read, no lines are kept. */
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

  /**
   * Keeps a line, unless it may have a secret or begins with a blank. If the file
   * cannot be written, no more lines are kept.
   */
  async add(line: string): Promise<void> {
    if (!this.#path || !/^\S/.test(line) || line === this.#last) return;
    if (mayHaveSecret(line)) return;
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

/** The path of the file, if it may be read and written. */
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

/** The value of a variable, if it may be read. */
async function environment(variable: string): Promise<string | undefined> {
  return await granted({ name: "env", variable })
    ? Deno.env.get(variable) || undefined
    : undefined;
}

/** Whether a permission is there, without a prompt. */
async function granted(
  permission: Deno.PermissionDescriptor,
): Promise<boolean> {
  const { state } = await Deno.permissions.query(permission);
  return state === "granted";
}
