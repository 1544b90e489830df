import { assertEquals, assertRejects } from "@std/assert";
import { unix } from "../../transports/mod.ts";

/** A folder with a link in it that leads to a file beside it. */
async function linked(make: (target: string) => Promise<unknown>) {
  const folder = await Deno.makeTempDir({ prefix: "links-" });
  const [path, target] = [`${folder}/link`, `${folder}/target`];
  await Deno.symlink(target, path);
  const made = await make(target);
  return {
    path,
    target,
    async [Symbol.asyncDispose]() {
      if (made instanceof Object && "close" in made) {
        await (made.close as () => Promise<void>)();
      }
      await Deno.remove(folder, { recursive: true });
    },
  };
}

const targets: Record<string, (target: string) => Promise<unknown>> = {
  "nothing": () => Promise.resolve(),
  "a file": (target) => Deno.writeTextFile(target, "precious"),
  "a folder": (target) => Deno.mkdir(target),
  "a socket with a listener": (path) => unix({ path }).listen(),
  "a stale socket": async (path) => {
    const listener = await unix({ path: `${path}-first` }).listen();
    await Deno.link(`${path}-first`, path);
    await listener.close();
  },
};

for (const [what, make] of Object.entries(targets)) {
  Deno.test(`unix: a link to ${what} is not listened at, and neither is removed`, async () => {
    await using at = await linked(make);
    const stat = async (path: string) =>
      (await Deno.lstat(path).catch(() => undefined))?.ino;
    const before = [await stat(at.path), await stat(at.target)];
    await assertRejects(
      () => unix({ path: at.path }).listen(),
      Deno.errors.AddrInUse,
      `Listen at unix:${at.path}: `,
    );
    assertEquals([await stat(at.path), await stat(at.target)], before);
  });
}

Deno.test("unix: close() does not remove a link in place of its file, nor the link's target", async () => {
  await using at = await linked((target) => Deno.writeTextFile(target, "x"));
  await Deno.remove(at.path);
  const listener = await unix({ path: at.path }).listen();
  await Deno.remove(at.path);
  await Deno.symlink(at.target, at.path);
  await listener.close();
  assertEquals(await Deno.readLink(at.path), at.target);
  assertEquals(await Deno.readTextFile(at.target), "x");
});
