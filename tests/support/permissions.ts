/**
 * Runs code, whose imports start at the project's folder, in a Deno with no
 * permissions but these, and gives what it wrote to its standard error.
 */
export async function runWithFlags(
  code: string,
  flags: readonly string[],
): Promise<string> {
  const root = new URL("../../", import.meta.url);
  const here = code.replaceAll('from "./', `from "${root}`);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", ...flags, "-"],
    cwd: root,
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(here));
  await writer.close();
  const { stderr } = await child.output();
  return new TextDecoder().decode(stderr);
}
