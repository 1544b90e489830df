// Endless sessions, with random faults: `deno task soak --help`.
import { parseArgs } from "@std/cli";
import { serve } from "../../protocol/mod.ts";
import { randomFrom } from "../../testing/_faulty/random.ts";
import {
  memory,
  tcp,
  tls,
  type Transport,
  unix,
} from "../../transports/mod.ts";
import { certificates } from "../support/transports/certificates.ts";
import { noTotals, SoakClient } from "./client.ts";
import { Echo, type Register } from "./server.ts";
import { grows, measure, type Sample, show } from "./sample.ts";

const help = `deno task soak [OPTION]...

  --minutes=N   for how long (5)
  --hours=N     for how long
  --seed=N      what the sessions and their faults follow from (a random one)
`;
const args = parseArgs(Deno.args, {
  boolean: ["help"],
  string: ["minutes", "hours", "seed"],
  unknown(argument) {
    console.error(`Unknown argument: ${argument}\n\n${help}`);
    Deno.exit(2);
  },
});
if (args.help) {
  console.log(help);
  Deno.exit();
}
const minutes = args.hours
  ? Number(args.hours) * 60
  : Number(args.minutes ?? 5);
const seed = Number(args.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]);

if (!(minutes > 0 && Number.isInteger(seed))) {
  console.error(`minutes is ${minutes}, seed is ${seed}\n\n${help}`);
  Deno.exit(2);
}

const { ca, server } = await certificates();
const WORKERS = 5;
let begun = 0;
const totals = noTotals();
const register: Register = { got: new Map(), open: new Set() };
const samples: Sample[] = [];
const folder = await Deno.makeTempDir({ prefix: "soak-" });
try {
  await using stack = new AsyncDisposableStack();
  const transports: Transport[] = [];
  for (
    const transport of [
      memory({ name: "soak" }),
      unix({ path: `${folder}/socket` }),
      tcp({ port: 0 }),
      tls({ port: 0, ...server }),
    ]
  ) {
    const listener = await transport.listen();
    stack.use(
      serve(listener, () => new Echo(register), { idleTimeout: 30_000 }),
    );
    const { address } = listener;
    transports.push(
      !("port" in address)
        ? transport
        : address.transport === "tcp"
        ? tcp(address)
        : tls({ ...address, caCerts: [ca] }),
    );
  }
  console.log(`${transports.join(", ")}: ${minutes} minutes, seed ${seed}`);

  const start = performance.now();
  const end = start + minutes * 60_000;
  const period = Math.min(60_000, minutes * 60_000 / 4);
  while (performance.now() < end) {
    const until = Math.min(end, performance.now() + period);
    const workers = transports.flatMap((transport) =>
      Array.from({ length: WORKERS }, async () => {
        do {
          const id = ++begun;
          await new SoakClient(id, transport, randomFrom(seed, id))
            .run(register, totals);
        } while (performance.now() < until && totals.errors.length === 0);
      })
    );
    await Promise.all(workers);
    await Promise.all(register.open);
    samples.push(await measure(performance.now() - start));
    show(totals, samples);
    if (totals.errors.length > 0) break;
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
for (const error of totals.errors) console.error("Not planned:", error);
const growth = grows(samples);
if (growth) console.error(growth);
if (totals.lost > 0 || totals.errors.length > 0 || growth) Deno.exitCode = 1;
