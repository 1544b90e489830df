import { assertEquals, assertRejects } from "@std/assert";
import { relative } from "node:path";
import { unix } from "../../transports/mod.ts";
import { inFolder } from "../support/in_folder.ts";
import { BoundSocket } from "../support/transports/libc.ts";

/** The path by which a socket is bound to `folder/s`; `link` leads to `folder`. */
const ways: Record<string, (folder: string, link: string) => string> = {
  "its path": (folder) => `${folder}/s`,
  "a path through a link": (_, link) => `${link}/s`,
  "a relative path": (folder) => `${relative(Deno.cwd(), folder)}/s`,
};

for (const [way, pathOf] of Object.entries(ways)) {
  Deno.test({
    name:
      `unix: a socket that is bound by ${way} and does not listen yet is not replaced`,
    ignore: Deno.build.os !== "linux",
    fn: () =>
      inFolder(async (parent) => {
        const [folder, link] = [`${parent}/folder`, `${parent}/link`];
        await Deno.mkdir(folder);
        await Deno.symlink(folder, link);
        const path = `${folder}/s`;
        {
          using socket = new BoundSocket(pathOf(folder, link));
          const { ino } = await Deno.lstat(path);
          await assertRejects(
            () => unix({ path }).listen(),
            Deno.errors.AddrInUse,
            `Listen at unix:${path}: a socket is bound there, and does not listen yet`,
          );
          assertEquals((await Deno.lstat(path)).ino, ino);
          socket.listen();
          await (await unix({ path }).connect()).close();
          await assertRejects(
            () => unix({ path }).listen(),
            Deno.errors.AddrInUse,
            `Listen at unix:${path}: another listener is there`,
          );
        }
        // It is stale now.
        await (await unix({ path }).listen()).close();
      }),
  });
}
