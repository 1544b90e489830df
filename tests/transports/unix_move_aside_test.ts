import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { removeIf } from "../../transports/_unix/move_aside.ts";
import { inFolder, namesIn } from "../support/in_folder.ts";

const kinds: Record<string, (path: string) => Promise<unknown>> = {
  file: (path) => Deno.writeTextFile(path, "precious"),
  folder: (path) => Deno.mkdir(path),
  link: (path) => Deno.symlink("nowhere", path),
};

for (const [kind, make] of Object.entries(kinds)) {
  Deno.test(`a ${kind} that is not the expected one is put back`, () =>
    inFolder(async (folder) => {
      const path = `${folder}/a`;
      await make(path);
      const before = await Deno.lstat(path);
      await removeIf(Deno, path, `${folder}/b`, () => Promise.resolve(false));
      assertEquals(await namesIn(folder), ["a"]);
      assertEquals((await Deno.lstat(path)).ino, before.ino);
    }));

  Deno.test(`a ${kind} whose place is taken is kept beside it, and the error says where`, () =>
    inFolder(async (folder) => {
      const path = `${folder}/a`;
      await make(path);
      const before = await Deno.lstat(path);
      const { message } = await assertRejects(
        () =>
          removeIf(Deno, path, `${folder}/b`, async () => {
            await Deno.writeTextFile(path, "second");
            return false;
          }),
        Deno.errors.AddrInUse,
        "other processes have put two files there, one of them is now ",
      );
      assertEquals(await Deno.readTextFile(path), "second");
      const kept = message.slice(message.indexOf(" now ") + " now ".length);
      assertEquals((await Deno.lstat(kept)).ino, before.ino);
      assertEquals((await namesIn(folder)).length, 2);
    }));
}

Deno.test("the expected file is removed", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/a`, "");
    const yes = () => Promise.resolve(true);
    await removeIf(Deno, `${folder}/a`, `${folder}/b`, yes);
    assertEquals(await namesIn(folder), []);
    await removeIf(Deno, `${folder}/a`, `${folder}/b`, yes);
  }));

Deno.test("a file whose inspection fails is put back", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/a`, "");
    const reason = new Error("Cannot look");
    const looking = removeIf(
      Deno,
      `${folder}/a`,
      `${folder}/b`,
      () => Promise.reject(reason),
    );
    assertStrictEquals(await assertRejects(() => looking), reason);
    assertEquals(await namesIn(folder), ["a"]);
  }));
