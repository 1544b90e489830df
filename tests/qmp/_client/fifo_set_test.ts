import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { FifoSet } from "../../../qmp/_client/fifo_set.ts";

Deno.test("items come out in the order in which they were pushed, without those removed", () => {
  const steps = fc.array(fc.oneof(
    fc.constant("push" as const),
    fc.constant("shift" as const),
    fc.record({ remove: fc.nat(20) }),
    fc.constant("clear" as const),
  ));
  fc.assert(fc.property(steps, (steps) => {
    const set = new FifoSet<number>();
    let model: number[] = [];
    let pushed = 0;
    for (const step of steps) {
      if (step === "push") {
        set.push(pushed);
        model.push(pushed++);
      } else if (step === "shift") {
        assertEquals(set.shift(), model.shift());
      } else if (step === "clear") {
        set.clear();
        model = [];
      } else {
        set.remove(step.remove);
        model = model.filter((item) => item !== step.remove);
      }
    }
    while (model.length > 0) assertEquals(set.shift(), model.shift());
    assertEquals(set.shift(), undefined);
  }));
});
