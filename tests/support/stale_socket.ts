import { assert } from "@std/assert";

/** Leaves a file behind as a listener does that is killed. */
export async function makeStale(path: string): Promise<void> {
  const listener = Deno.listen({ transport: "unix", path: `${path}-bound` });
  await Deno.rename(`${path}-bound`, path);
  listener.close();
  assert((await Deno.lstat(path)).isSocket);
}
