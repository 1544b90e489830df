import { denoSystem } from "../../transports/_deno/deno_system.ts";
import {
  makePrivateFolder,
  type PrivateFolder,
  removeStale,
} from "../../transports/_unix/private_folder.ts";

/**
 * Makes the private folder of a launch, and removes the stale folders of killed
 * processes.
 */
export async function makeFolder(): Promise<PrivateFolder> {
  const folder = await makePrivateFolder(
    Deno,
    () => Deno.makeTempDir({ prefix: "parley-launch-" }),
  );
  const parent = folder.path.slice(0, folder.path.lastIndexOf("/") + 1);
  await removeStale(denoSystem, parent, /^parley-launch-\w+$/, folder);
  return folder;
}
