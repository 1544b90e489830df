import { assert, assertLess } from "@std/assert";
import { attackNames, runAttack } from "./run_attack.ts";

/** A siege takes minutes; this scale is enough to detect an unbounded attack. */
const SCALE = 0.05;

for (const name of await attackNames()) {
  Deno.test(`${name}: memory stays within its bound, and the victim survives`, async () => {
    const { attack, sent, memory, block, served, serves } = await runAttack(
      name,
      SCALE,
    );
    console.log(
      `${attack.name}: ${sent}; ${
        memory.toFixed(0)
      } MiB of ${attack.maxMemory}, ` +
        `longest block ${block.toFixed(0)} ms, others served ${served} times`,
    );
    assert(serves);
    assertLess(memory, attack.maxMemory);
  });
}
