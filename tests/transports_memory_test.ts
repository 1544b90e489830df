import { memoryPair } from "../transports/mod.ts";
import { transportLaws } from "./_transport_laws.ts";

transportLaws("memory", memoryPair);
transportLaws(
  "memory with a buffer of 7 bytes",
  () => memoryPair({ highWaterMark: 7 }),
);
