import {
  ExecuteError,
  fromWebSocket,
  QMPClient,
  type QMPEvent,
  Runstate,
  type Transport,
} from "@parley/parley/browser";
import { reconnecting } from "@parley/parley/qmp";
import { CommandBox } from "./command_box.ts";
import { complete, readCommand } from "./command_line.ts";
import { type Info, Schema } from "./schema.ts";
import { addItem, element, find, json } from "./view.ts";

/** The server says where the machine is: elsewhere if it has started again. */
const machine: Transport = {
  async connect({ signal } = {}) {
    const response = await fetch("socket", { signal: signal ?? null });
    return fromWebSocket(new WebSocket(await response.text()));
  },
  listen: () => Promise.reject(new TypeError("A page cannot listen")),
  toString: () => location.origin,
};

/** The events after which the machine's state can be another one. */
const CHANGES = ["STOP", "RESUME", "SUSPEND", "WAKEUP", "GUEST_PANICKED"];

/** How a state looks, unless it only waits for `cont`. */
const MOODS: Record<string, string> = {
  "running": "good",
  "guest-panicked": "bad",
  "internal-error": "bad",
  "io-error": "bad",
};

const client = new QMPClient();
let schema = new Schema();
let isConnected = false;
let isRunning = false;

// The end of the log stays in view.
new ResizeObserver(([entry]) => entry?.target.scrollTo(0, 1e9))
  .observe(find("log", HTMLOListElement));

const toggle = find("toggle", HTMLButtonElement);
toggle.addEventListener("click", () => run(isRunning ? "stop" : "cont"));
new CommandBox({ complete: (line) => complete(line, schema), run });

const connection = reconnecting(client, machine, {
  maxDelay: 5_000,
  afterShutdown: true,
  onConnect: greet,
});
await Promise.all([watchSessions(), watchEvents()]);

/** Asks a machine for its name, its commands and its state. */
async function greet(): Promise<void> {
  const { major, minor, micro } = client.greeting?.QMP.version.qemu ?? {};
  const version = `QEMU ${major}.${minor}.${micro}`;
  const { name = "Virtual machine" } = await client
    .execute("query-name") as { name?: string };
  schema = new Schema(await client.execute("query-qmp-schema") as Info[]);
  find("name", HTMLHeadingElement).textContent = document.title = name;
  find("version", HTMLParagraphElement).textContent = version;
  await showStatus();
  showConnected(true);
  note(`Connected to ${version}`);
}

/** Executes a line, and shows the reply below it. */
async function run(line: string): Promise<void> {
  const outcome = element("pre", { class: "waiting" }, "waiting for the reply");
  const item = element("li", {}, element("code", {}, line), outcome);
  addItem(find("log", HTMLOListElement), "last", item);
  const show = (kind: string, ...text: (Node | string)[]) => {
    outcome.className = kind;
    outcome.replaceChildren(...text);
    item.scrollIntoView({ block: "end" });
  };
  try {
    const command = readCommand(line, schema);
    show("reply", ...json(await client.executeMessage(command)));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const [kind, text] = error instanceof ExecuteError
      ? [error.errorClass, error.description]
      : [error.name, error.message];
    show("error", element("b", {}, kind), ` ${text}`);
  }
}

async function watchEvents(): Promise<void> {
  for await (const event of connection.listen()) {
    showEvent(event);
    // If the session ends meanwhile, watchSessions() tells why.
    if (CHANGES.includes(event.event)) await showStatus().catch(() => {});
  }
}

async function watchSessions(): Promise<void> {
  for await (const runstate of client.runstates()) {
    if (runstate !== Runstate.DISCONNECTING) continue;
    const { reason } = client.signal;
    const why = reason instanceof Error ? reason.message : String(reason);
    const what = isConnected ? "Connection lost" : "Cannot connect";
    if (isConnected) note(`${what}: ${why}`);
    find("loss", HTMLParagraphElement).textContent =
      `${what}: ${why}. Trying again…`;
    showConnected(false);
  }
}

async function showStatus(): Promise<void> {
  const reply = await client.execute("query-status");
  const { status, running } = reply as { status: string; running: boolean };
  isRunning = running;
  toggle.textContent = running ? "Pause" : "Resume";
  setStatus(status, MOODS[status] ?? "held");
}

function showConnected(now: boolean): void {
  isConnected = now;
  find("loss", HTMLParagraphElement).hidden = isConnected;
  toggle.disabled = find("run", HTMLButtonElement).disabled = !isConnected;
  if (!isConnected) setStatus("not connected", "bad");
}

function setStatus(text: string, mood: string): void {
  const status = find("status", HTMLOutputElement);
  status.textContent = text;
  status.dataset["mood"] = mood;
}

function showEvent({ event, data, timestamp }: QMPEvent): void {
  const { seconds, microseconds } = timestamp;
  const time = new Date(seconds * 1000 + microseconds / 1000);
  // A machine that does not know the time says -1.
  const clock = seconds < 0
    ? ""
    : time.toLocaleTimeString([], { hour12: false });
  addItem(
    find("events", HTMLOListElement),
    "first",
    element(
      "li",
      {},
      element("b", {}, event),
      element("time", { datetime: time.toJSON() }, clock),
      ...data ? [element("pre", {}, ...json(data))] : [],
    ),
  );
}

/** Adds what happened to the connection to the log. */
function note(text: string): void {
  const item = element("li", { class: "note" }, text);
  addItem(find("log", HTMLOListElement), "last", item)
    .scrollIntoView({ block: "end" });
}
