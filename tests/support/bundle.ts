import { runDeno } from "./program.ts";
import { inFolder } from "./in_folder.ts";

const root = new URL("../../", import.meta.url);

/**
 * Bundles a module's source and its imports into one script for a browser, with
 * `browser.ts` in place of `mod.ts` and `transports/mod.ts`.
 */
export async function bundle(source: string): Promise<string> {
  return await inFolder(async (folder) => {
    const { imports } = JSON.parse(
      await Deno.readTextFile(new URL("deno.json", root)),
    );
    for (const [name, target] of Object.entries<string>(imports)) {
      if (target.startsWith("./")) imports[name] = new URL(target, root).href;
    }
    for (const name of ["mod.ts", "transports/mod.ts"]) {
      imports[new URL(name, root).href] = new URL("browser.ts", root).href;
    }
    await Deno.writeTextFile(
      `${folder}/deno.json`,
      JSON.stringify({ imports }),
    );
    await Deno.writeTextFile(`${folder}/main.ts`, source);
    const { code, stderr } = await runDeno([
      ...["bundle", "--quiet", "--platform", "browser", "--no-lock"],
      ...["--config", `${folder}/deno.json`],
      ...["--output", `${folder}/main.js`, `${folder}/main.ts`],
    ]);
    if (code !== 0) throw new Error(stderr);
    return await Deno.readTextFile(`${folder}/main.js`);
  });
}
