import { assert } from "@std/assert";
import fc from "fast-check";
import { anyStep, type Model } from "./steps.ts";
import { World } from "./world.ts";
import { VirtualTime } from "../support/virtual_time.ts";

// Set these to repeat a failed test, or to search longer.
const seed = Number(Deno.env.get("MODEL_SEED") ?? Date.now() | 0);
const numRuns = Number(Deno.env.get("MODEL_RUNS") ?? 10_000);

Deno.test(`random sequences of calls and faults keep the promises of a session (MODEL_SEED=${seed})`, async () => {
  using time = new VirtualTime();
  const sequences = fc.commands(anyStep, { maxCommands: 40, size: "max" });
  const counts = { sequences: 0, steps: 0, sessions: 0 };
  const property = fc.asyncProperty(
    fc.boolean(),
    sequences,
    async (racing, steps) => {
      const world = new World(time);
      const model: Model = {
        known: { state: "idle" },
        racing,
        world,
        steps: 0,
      };
      await fc.asyncModelRun(() => ({ model, real: world }), steps);
      await world.finish();
      counts.sequences++;
      counts.steps += model.steps;
      counts.sessions += world.ran;
    },
  );
  await fc.assert(property, { seed, numRuns });
  console.log(`MODEL_SEED=${seed}:`, counts);
  assert(counts.sequences >= numRuns && counts.sessions > numRuns / 2);
});
