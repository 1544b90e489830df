import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { denoSystem } from "../../transports/_deno/deno_system.ts";
import type { System } from "../../transports/_system/system.ts";
import type { Listener } from "../../transports/mod.ts";
import { unixOf } from "../../transports/unix.ts";
import { inFolder, namesIn } from "../support/in_folder.ts";
import { makeStale } from "../support/transports/stale_socket.ts";

/** Deno, with only so many descriptors. */
function systemWith(descriptors: number): System {
  let free = descriptors;
  const take = () => {
    if (free === 0) {
      const error = new Error("Too many open files (os error 24)");
      throw Object.assign(error, { code: "EMFILE" });
    }
    free--;
  };
  function counted<T extends { close(): void | Promise<void> }>(open: T): T {
    let closed = false;
    const { close } = open;
    const counting = () => {
      if (!closed) free++;
      closed = true;
      return close.call(open);
    };
    return Object.assign(open, { close: counting, [Symbol.dispose]: counting });
  }
  /** A call that needs a descriptor until it returns. */
  function passing<T>(call: () => T): T {
    take();
    free++;
    return call();
  }
  return {
    ...denoSystem,
    files: {
      ...Deno,
      async open(folder) {
        take();
        return counted(await Deno.open(folder));
      },
      // deno-lint-ignore require-await -- errors reject
      remove: async (path, options) =>
        options?.recursive
          ? passing(() => Deno.remove(path, options))
          : Deno.remove(path),
      readDir: (path) => passing(() => Deno.readDir(path)),
    },
    async listenUnix(path) {
      take();
      return counted(await denoSystem.listenUnix(path));
    },
    connectUnix: (path) => passing(() => denoSystem.connectUnix(path)),
  };
}

for (const stale of [false, true]) {
  const found = stale ? "in place of a stale socket" : "at a free path";
  Deno.test(`unix: listening ${found} without free descriptors says so, and leaves nothing`, () =>
    inFolder(async (folder) => {
      const path = `${folder}/socket`;
      if (stale) await makeStale(path);
      const before = await namesIn(folder);
      let listener: Listener | undefined;
      for (let descriptors = 0; !listener; descriptors++) {
        const transport = unixOf(systemWith(descriptors), { path });
        listener = await transport.listen().catch((error) => {
          assertMatch(
            String(error),
            /^Error: Listen at unix:.*: Too many open files \(os error 24\)$/,
          );
          return undefined;
        });
        if (!listener) assertEquals(await namesIn(folder), before);
      }
      assertEquals(await namesIn(folder), ["socket"]);
      await listener.close();
      assertEquals(await namesIn(folder), []);
    }));
}

for (
  const [first, ...later] of [
    ["link", "remove"],
    ["chmod", "remove"],
    ["remove", "rename"],
  ]
) {
  Deno.test(`unix: listening fails with the error of ${first}(), also if ${later}() fails after it`, () =>
    inFolder(async (folder) => {
      const fail = (name: string) => () => Promise.reject(new Error(name));
      const failing = [first, ...later].map((name) => [name, fail(`${name}`)]);
      const files = { ...Deno, ...Object.fromEntries(failing) };
      const transport = unixOf({ ...denoSystem, files }, {
        path: `${folder}/a`,
      });
      await assertRejects(() => transport.listen(), Error, `: ${first}`);
    }));
}
