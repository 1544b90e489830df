import { assert, assertEquals } from "@std/assert";
import { bundle } from "../support/bundle.ts";
import { openPage } from "../support/servers/opened_page.ts";
import { needs } from "../support/servers/real_process.ts";
import type { PageOutcome } from "./stand_in.ts";

/** Tests that use nothing of Deno but `Deno.test`, and measure no time. */
const SUITE: Record<string, string> = {
  codecs: "bad_messages buffers delimited headers json_lines json_values " +
    "length_prefixed lines numbers streams web_socket_messages",
  jsonrpc:
    "backpressure batch cancellation handlers notifications peer session " +
    "specification",
  msgpack: "msgpack",
  protocol: "arguments byte_budget disconnect event_hub event_queue " +
    "handshake_timeout large_messages peer receive serve_errors " +
    "server_budget session_hooks silence slow_handler upgrade use_codec",
  qmp: "client commands event_listener event_listener_bounds " +
    "event_listener_end event_listener_next handshake interrupted " +
    "merge_events out_of_band replies schema_types server_bounds " +
    "server_close server_codec server_input server_names server_order " +
    "server_schema",
};

const files = Object.entries(SUITE).flatMap(([room, names]) =>
  names.split(" ").map((name) => `../${room}/${name}_test.ts`)
);

Deno.test({
  name: "what a browser has passes its tests in a page of Chromium",
  ...needs("chromium"),
  fn: async () => {
    const modules = ["./stand_in.ts", "./laws.ts", ...files];
    const script = await bundle(
      modules.map((path) => `import "${import.meta.resolve(path)}";`)
        .join("\n"),
    );
    await using opened = await openPage(script);
    const { passed, failed } = await opened.page
      .evaluate<PageOutcome>("runTests()", { timeout: 240_000 });
    assertEquals(failed, []);
    console.log(`${passed} tests passed in a page`);
    assert(passed >= 1000, `only ${passed} tests ran`);
  },
});
