import { assert, assertEquals, assertThrows } from "@std/assert";
import { ratio, spread } from "../../bench/report.ts";

/** The figures of one short run of the benchmark. */
async function bench(): Promise<
  { row: string; wire: string; rates: Record<string, number[]> }[]
> {
  const file = await Deno.makeTempFile();
  try {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--allow-all", "bench/main.ts"],
        ...["--rounds=1", "--milliseconds=1", `--json=${file}`],
      ],
      cwd: new URL("../..", import.meta.url),
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    return JSON.parse(await Deno.readTextFile(file)).results;
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("the benchmark runs Parley and the limit on every row over every wire", async () => {
  const results = await bench();
  const rows = new Set(results.map(({ row }) => row));
  const wires = new Set(results.map(({ wire }) => wire));
  assertEquals(
    rows,
    new Set([
      ...["request", "pipelined", "receive", "send", "frames"],
      ...["calls", "calls-in-flight"],
    ]),
  );
  assertEquals(wires, new Set(["unix", "tcp", "tls", "memory"]));
  assertEquals(results.length, rows.size * wires.size);
  for (const { rates } of results) {
    for (const side of ["Parley", "raw loop"]) {
      assert(rates[side]?.every((rate) => rate > 0));
    }
  }
});

Deno.test("a ratio of one side alone is refused", () => {
  assertThrows(() => ratio([1, 2], undefined), Error, "one side alone");
  assertThrows(() => ratio([1, 2], [1]), Error, "one side alone");
  assertThrows(() => ratio([], []), Error, "one side alone");
});

Deno.test("ratios are computed round by round, and summarized by median and quartiles", () => {
  const { median, low, high } = ratio([10, 60, 30, 40, 50], [
    10,
    20,
    10,
    10,
    10,
  ]);
  assertEquals({ median, low, high }, { median: 3, low: 3, high: 4 });
  assertEquals(spread([1, 2]), { median: 1.5, low: 1.25, high: 1.75 });
});
