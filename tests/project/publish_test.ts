import { assertEquals, assertNotEquals } from "@std/assert";

const root = new URL("../../", import.meta.url);

Deno.test("an example is published whole, or not at all", async () => {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty", "--no-check"],
    cwd: root,
    env: { NO_COLOR: "1" },
  });
  const { stderr } = await command.output();
  const published = new Set(
    [...new TextDecoder().decode(stderr).matchAll(/(file:\S+) \(/g)]
      .map(([, url]) => url),
  );
  assertNotEquals(published.size, 0);
  for (const folder of Deno.readDirSync(new URL("examples/", root))) {
    if (!folder.isDirectory) continue;
    const files = filesIn(new URL(`examples/${folder.name}/`, root));
    const missing = files.filter((file) => !published.has(file));
    if (missing.length < files.length) assertEquals(missing, []);
  }
});

/** The URLs of all files in a folder. */
function filesIn(folder: URL): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory
      ? filesIn(new URL(`${name}/`, folder))
      : new URL(name, folder).href
  );
}
