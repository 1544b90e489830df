import { assert } from "@std/assert";
import { resp } from "../../docs/resp.ts";
import { testCodec } from "../../testing/mod.ts";

const docs = new URL("../../docs/", import.meta.url);

for (const name of ["resp.ts", "stand_in.ts", "redis.ts"]) {
  Deno.test(`the tutorial shows the whole ${name}`, async () => {
    const page = await Deno.readTextFile(new URL("tutorial.md", docs));
    const source = await Deno.readTextFile(new URL(name, docs));
    assert(page.includes(`\`${name}\`:\n\n\`\`\`ts\n${source}\`\`\`\n`));
  });
}

testCodec("the tutorial's RESP", (options) => resp(options), {
  "each type": {
    input:
      "$2\r\nab\r\n:-5\r\n$0\r\n\r\n$-1\r\n*0\r\n*3\r\n$1\r\nx\r\n:1\r\n$-1\r\n",
    messages: ["ab", -5, "", null, [], ["x", 1, null]],
  },
}, { sized: (bytes) => "x".repeat(bytes) });
