/**
 * A session with QEMU, step by step. Without QEMU, a stand-in answers.
 *
 * Run it by `deno task demo`.
 */
import { ExecuteError, QMPClient, type QMPEvent } from "@parley/parley";
import { launch } from "@parley/parley/qmp/launch";
import { commandLine } from "./support/command_line.ts";
import { inspect, Screen } from "./support/screen.ts";
import { standIn } from "./support/stand_in.ts";

const MACHINE = "-machine none -nodefaults -display none -S".split(" ");
const INSTALL = "apt-get install -y --no-install-recommends qemu-system-x86";

/** A command to show, and the event to wait for after it. */
interface Step {
  command: string;
  args?: object;
  until?: (event: QMPEvent) => boolean;
}

const machineSteps: Step[] = [
  { command: "query-status" },
  { command: "cont", until: ({ event }) => event === "RESUME" },
  { command: "query-status" },
  { command: "stop", until: ({ event }) => event === "STOP" },
  { command: "device_del", args: { id: "nic0" } },
];

/** A storage daemon has no machine to start and stop: it creates a disk. */
function storageSteps(folder: string): Step[] {
  const options = { driver: "file", filename: `${folder}/disk`, size: 2 ** 20 };
  return [
    { command: "query-jobs" },
    {
      command: "blockdev-create",
      args: { "job-id": "disk", options },
      until: ({ data }) => data?.status === "concluded",
    },
    { command: "job-dismiss", args: { id: "disk" } },
    { command: "blockdev-del", args: { "node-name": "disk" } },
  ];
}

commandLine("");
const stop = new AbortController();
const screen = new Screen((reason) => stop.abort(reason));
const signals: Deno.Signal[] = ["SIGINT", "SIGTERM", "SIGHUP"];
for (const name of signals) {
  const onSignal = () => stop.abort("Stopped: nothing is left behind");
  Deno.addSignalListener(name, onSignal);
}
try {
  await demo(stop.signal);
} catch (error) {
  const { aborted, reason } = stop.signal;
  if (reason instanceof Error) Deno.exitCode = 141; // as a shell says SIGPIPE
  else if (aborted) Deno.exitCode = 130; // as a shell says SIGINT
  else Deno.exitCode = 1;
  if (!aborted) console.error(error);
  else if (typeof reason === "string") screen.line(`\n${reason}`);
}
Deno.exit(); // Without waiting for more signals.

async function demo(signal: AbortSignal): Promise<void> {
  const program = await find("qemu-system-x86_64", "qemu-storage-daemon");
  screen.line(
    program
      ? `Parley starts ${program}, and talks QMP with it over a Unix socket.\n`
      : `No QEMU on the PATH: a stand-in answers. To install one: ${INSTALL}\n`,
  );
  const client = new QMPClient({ name: "demo" });
  const states = client.runstates();
  const showing = (async () => {
    for await (const state of states) screen.show("state", state);
  })();
  {
    await using partner = program
      ? await launch({ program, args: argsOf(program), client, signal })
      : await standIn(client, { signal });
    const steps = program?.startsWith("qemu-storage")
      ? storageSteps(partner.folder)
      : machineSteps;
    await converse(client, steps, signal);
    await client.closed; // rejects if the end is not orderly
    await client.disconnect();
  }
  await turn();
  await states.return?.();
  await showing;
  screen.show("end", "orderly: no process is left, and no file");
}

/** Shows commands with their answers and events; then quits. */
async function converse(
  client: QMPClient,
  steps: Step[],
  signal: AbortSignal,
): Promise<void> {
  const { version, capabilities = [] } = client.greeting?.QMP ?? {};
  const { major, minor, micro } = version?.qemu ?? {};
  const offers = capabilities.length > 0 ? `, offers ${capabilities}` : "";
  await turn();
  screen.show(
    "greeting",
    `QEMU ${major}.${minor}.${micro}, ${version?.package}${offers}`,
  );
  for (const { command, args, until } of [...steps, { command: "quit" }]) {
    screen.show("execute", command, args);
    let awaited = until;
    const showEvent = (event: QMPEvent) => {
      screen.show("event", event.event, event.data);
      if (awaited?.(event)) awaited = undefined;
    };
    try {
      const result = await client.execute(command, args, { signal });
      client.events.clear().forEach(showEvent);
      screen.show("return", inspect(result));
    } catch (error) {
      if (!(error instanceof ExecuteError)) throw error;
      screen.show("error", `${error.name}: ${error.message}`);
    }
    while (awaited) showEvent(await client.events.next(undefined, { signal }));
  }
}

/** Lets the runstates that have been entered be shown. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** The first of the programs that is installed. */
async function find(...programs: string[]): Promise<string | undefined> {
  for (const program of programs) {
    try {
      await new Deno.Command(program, { args: ["--version"] }).output();
      return program;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}

function argsOf(program: string): string[] {
  return program.startsWith("qemu-system") ? MACHINE : [];
}
