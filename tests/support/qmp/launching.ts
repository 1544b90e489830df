import { assertEquals } from "@std/assert";

/** A QEMU without a machine: its arguments. */
export const NO_MACHINE = "-machine none -nodefaults -display none -S"
  .split(" ");

/**
 * Runs with a private folder for temporary files, and checks that it is empty at
 * the end.
 */
export async function leavingNothing(
  run: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "parley-" });
  const before = Deno.env.get("TMPDIR");
  Deno.env.set("TMPDIR", folder);
  try {
    await run(folder);
    assertEquals(await Array.fromAsync(Deno.readDir(folder)), []);
  } finally {
    if (before === undefined) Deno.env.delete("TMPDIR");
    else Deno.env.set("TMPDIR", before);
    await Deno.remove(folder, { recursive: true });
  }
}

/** A program that runs a shell script. */
export async function script(
  text: string,
): Promise<{ program: string } & AsyncDisposable> {
  const folder = await Deno.makeTempDir({ dir: "/tmp", prefix: "parley-" });
  const program = `${folder}/program`;
  await Deno.writeTextFile(program, `#!/bin/sh\n${text}\n`, { mode: 0o700 });
  return {
    program,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
