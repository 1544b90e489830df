import { unix } from "../../../mod.ts";
import type { Transport } from "../../../mod.ts";
import { isAlive } from "../is_alive.ts";
import { needs, RealProcess } from "./real_process.ts";

/** Debian's folder of the programs of PostgreSQL 15. */
const BIN = "/usr/lib/postgresql/15/bin";
/** PostgreSQL refuses to run as root: if the tests do, it runs as this user. */
const USER = "nobody";
const PASSWORD = "pencil";

/** A PostgreSQL server that listens at a Unix socket, and at TCP if settings say so. */
export interface PostgresServer extends AsyncDisposable {
  readonly process: RealProcess;
  /** The folder of its socket. */
  readonly folder: string;
  readonly transport: Transport;
  readonly user: string;
  readonly password: string;
  /** Kills the server and its children with SIGKILL. */
  kill(): Promise<void>;
}

/** Options of a server. */
export interface StartPostgresOptions {
  /** More settings, such as `ssl`. */
  settings?: Record<string, string>;
  /** The folder of its socket, if not its own. */
  socketFolder?: string;
  /** The content of pg_hba.conf; without it, every connection needs a password. */
  hba?: string;
  /** Called with the folder of its data before it starts. */
  prepare?: (folder: string) => Promise<void>;
}

/** Options of a test that needs PostgreSQL. */
export function needsPostgres(): { ignore: boolean } {
  return needs(`${BIN}/postgres`, "setpriv");
}

/** Starts a PostgreSQL server on a new database, where SCRAM-SHA-256 is required. */
export async function startPostgres(
  { settings = {}, socketFolder, hba, prepare }: StartPostgresOptions = {},
): Promise<PostgresServer> {
  const [program = "", ...prefix] = [...asUser(), `${BIN}/postgres`];
  const process = await RealProcess.start({
    program,
    args: async (folder) => {
      const data = `${folder}/data`;
      await initialize(data);
      await prepare?.(data);
      if (hba) await Deno.writeTextFile(`${data}/pg_hba.conf`, hba);
      await giveToServer(folder);
      if (socketFolder) await giveToServer(socketFolder);
      const all = {
        listen_addresses: "",
        unix_socket_directories: socketFolder ?? folder,
        fsync: "off",
        ...settings,
      };
      const flags = Object.entries(all).map(([name, value]) =>
        `--${name}=${value}`
      );
      return [...prefix, "-D", data, ...flags];
    },
    ready: /database system is ready to accept connections/,
  });
  const folder = socketFolder ?? process.folder;
  const server = {
    process,
    folder,
    transport: unix({ path: `${folder}/.s.PGSQL.5432` }),
    user: "parley",
    password: PASSWORD,
    async kill() {
      const children = await childrenOf(process.pid);
      for (const pid of [process.pid, ...children]) killHard(pid);
      await process.status;
      while (children.some(isAlive)) await new Promise((r) => setTimeout(r, 1));
    },
    async [Symbol.asyncDispose]() {
      // An immediate end: the server waits for its children.
      killWith(process, "SIGQUIT");
      await process.status;
      await process[Symbol.asyncDispose]();
    },
  };
  try {
    await process.ready();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** Gives a file or folder to the user that the server runs as. */
async function giveToServer(path: string): Promise<void> {
  if (Deno.uid() !== 0) return;
  await run("chown", "-R", USER, path);
}

let template: Promise<string> | undefined;

/** Copies a database that is made once, because that takes seconds. */
async function initialize(data: string): Promise<void> {
  template ??= makeTemplate();
  await run("cp", "-r", `${await template}/data`, data);
}

async function makeTemplate(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "parley-" });
  Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));
  const data = `${folder}/data`;
  const passwordFile = `${folder}/password`;
  await Deno.writeTextFile(passwordFile, PASSWORD);
  await giveToServer(folder);
  await run(
    ...asUser(),
    ...[`${BIN}/initdb`, "-D", data, "--username=parley", "--no-sync"],
    ...["--encoding=UTF8", "--no-locale", "--auth=scram-sha-256"],
    `--pwfile=${passwordFile}`,
  );
  return folder;
}

function asUser(): string[] {
  if (Deno.uid() !== 0) return [];
  return ["setpriv", `--reuid=${USER}`, "--regid=nogroup", "--clear-groups"];
}

async function run(...command: string[]): Promise<void> {
  const [program = "", ...args] = ["timeout", "120", ...command];
  const { success, stdout, stderr } = await new Deno.Command(program, { args })
    .output();
  if (success) return;
  const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  throw new Error(`${command.join(" ")} has failed: ${said.join("")}`);
}

async function childrenOf(pid: number): Promise<number[]> {
  const list = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
  return list.trim().split(" ").filter(Boolean).map(Number);
}

function killHard(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function killWith(process: RealProcess, signal: Deno.Signal): void {
  try {
    process.kill(signal);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it has ended
  }
}
