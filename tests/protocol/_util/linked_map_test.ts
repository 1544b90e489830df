import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { LinkedMap } from "../../../protocol/_util/linked_map.ts";

Deno.test("values come out in the order of insertion, without those deleted", () => {
  const steps = fc.array(fc.oneof(
    fc.constant("insert" as const),
    fc.constant("shift" as const),
    fc.record({ delete: fc.nat(20) }),
    fc.constant("clear" as const),
  ));
  fc.assert(fc.property(steps, (steps) => {
    const map = new LinkedMap<number, string>();
    let model: number[] = [];
    let inserted = 0;
    for (const step of steps) {
      if (step === "insert") {
        map.insert(inserted, String(inserted));
        model.push(inserted++);
      } else if (step === "shift") {
        assertEquals(map.shift(), model.shift()?.toString());
      } else if (step === "clear") {
        map.clear();
        model = [];
      } else {
        map.delete(step.delete);
        model = model.filter((key) => key !== step.delete);
      }
      assertEquals([...map.values()], model.map(String));
      assertEquals(map.first, model[0]?.toString());
      assertEquals(map.size, model.length);
      for (let key = 0; key < inserted; key++) {
        assertEquals(map.has(key), model.includes(key));
        assertEquals(map.get(key), map.has(key) ? String(key) : undefined);
      }
    }
  }));
});
