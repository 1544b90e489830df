import { fromStreams, memory, memoryPair } from "../../browser.ts";
import { testTransport } from "../../testing/mod.ts";

testTransport("two ends in memory", () => memoryPair());

let transport = memory();
testTransport("memory", {
  server: (address) => address ? transport : transport = memory(),
  client: () => transport,
});

testTransport("streams", () => {
  const [near, far] = memoryPair();
  return [
    fromStreams(near, { abort: (reason) => near.abort(reason) }),
    fromStreams(far, { abort: (reason) => far.abort(reason) }),
  ];
});
