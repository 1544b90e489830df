import { assert } from "@std/assert";

/** Leaves a stale socket file, as a killed listener does. */
export async function makeStale(path: string): Promise<void> {
  const listener = Deno.listen({ transport: "unix", path: `${path}-bound` });
  await Deno.rename(`${path}-bound`, path);
  listener.close();
  assert((await Deno.lstat(path)).isSocket);
}
