// Opens and answers many calls, and prints by how many bytes the memory has grown.
import { PendingCalls } from "../../mod.ts";
import { usedMemory } from "../support/used_memory.ts";

const WARM_UP = 100_000;
const CALLS = 1_000_000;
const IN_FLIGHT = 10;

const calls = new PendingCalls<number>();

function answerById(count: number): void {
  for (let i = 0; i < count; i += IN_FLIGHT) {
    const ids = Array.from({ length: IN_FLIGHT }, () => calls.open().id);
    for (const id of ids) calls.resolve(id, 0);
  }
}

function answerInOrder(count: number): void {
  for (let i = 0; i < count; i += IN_FLIGHT) {
    for (let k = 0; k < IN_FLIGHT; k++) calls.open();
    for (let k = 0; k < IN_FLIGHT; k++) {
      calls.resolve(calls.first()?.id ?? 0, 0);
    }
  }
}

/** The growth of the memory, in bytes. */
async function growth(answer: (count: number) => void): Promise<number> {
  answer(WARM_UP);
  const before = await usedMemory();
  answer(CALLS);
  return await usedMemory() - before;
}

console.log(JSON.stringify({
  byId: await growth(answerById),
  inOrder: await growth(answerInOrder),
}));
