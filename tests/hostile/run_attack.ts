import { delay } from "@std/async";
import { TextLineStream } from "@std/streams";
import { parseTransport } from "../../transports/mod.ts";
import type { Attack, VictimAddress } from "./attack.ts";
import { inFolder } from "../support/in_folder.ts";

/** The pause between two exchanges of the good client. */
const PROBE_MS = 20;

/** The result of an attack. */
export interface Outcome {
  readonly attack: Attack;
  readonly sent: string;
  /** The most MiB by which the victim's memory has grown. */
  readonly memory: number;
  /** The longest block of the victim's event loop, in ms. */
  readonly block: number;
  /** The number of exchanges of a good client that the victim answered meanwhile. */
  readonly served: number;
  /** Whether the victim answers after the attack, if the attack can check it. */
  readonly serves: boolean;
}

/** The names of all attacks. */
export async function attackNames(): Promise<string[]> {
  const names = [];
  for await (const { name } of Deno.readDir(new URL("attacks/", here))) {
    if (name.endsWith(".ts")) names.push(name.slice(0, -3));
  }
  return names.sort();
}

/** Runs an attack on a victim in a process of its own. */
export async function runAttack(name: string, scale: number): Promise<Outcome> {
  const names = await attackNames();
  if (!names.includes(name)) {
    throw new RangeError(
      `Cannot attack: name is ${name}: it must be one of ${names.join(", ")}`,
    );
  }
  const { attack }: { attack: Attack } = await import(`./attacks/${name}.ts`);
  return await inFolder(async (folder) => {
    await using victim = await startVictim(name, folder);
    const { address } = victim;
    const transport = parseTransport(address);
    const place = { address, transport, folder };
    const watch = new Watch(attack, place);
    const sent = await attack.run(place, scale);
    const served = await watch.stop();
    await attack.serves?.(place);
    const figures = await victim.figures();
    return { attack, sent, served, serves: true, ...figures };
  });
}

const here = new URL("./", import.meta.url);

interface Victim extends AsyncDisposable {
  readonly address: string;
  figures(): Promise<{ memory: number; block: number }>;
}

async function startVictim(name: string, folder: string): Promise<Victim> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "victim.ts", name, folder],
    cwd: here,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream()).values();
  const stdin = child.stdin.getWriter();
  const read = async () => {
    const { done, value } = await lines.next();
    if (done) throw new Error(`The victim of ${name} has died`);
    return JSON.parse(value);
  };
  const { address } = await read();
  return {
    address,
    async figures() {
      await stdin.write(new TextEncoder().encode("?\n"));
      return await read();
    },
    async [Symbol.asyncDispose]() {
      await stdin.close().catch(() => {});
      await lines.return?.();
      await child.status;
    },
  };
}

/** A good client that asks again and again while an attack runs. */
class Watch {
  #stopped = false;
  #served = 0;
  readonly #running: Promise<void>;

  constructor(attack: Attack, place: VictimAddress) {
    this.#running = this.#run(attack, place);
    // stop() reads it, maybe later.
    this.#running.catch(() => {});
  }

  async stop(): Promise<number> {
    this.#stopped = true;
    await this.#running;
    return this.#served;
  }

  async #run(attack: Attack, place: VictimAddress): Promise<void> {
    if (!attack.serves) return;
    while (!this.#stopped) {
      await attack.serves(place);
      this.#served++;
      await delay(PROBE_MS);
    }
  }
}
