import { assertEquals, assertInstanceOf } from "@std/assert";
import { type Listener, unix } from "../../transports/mod.ts";
import { inFolder } from "../support/in_folder.ts";
import { makeStale } from "../support/transports/stale_socket.ts";
import { type Act, Rival } from "../support/transports/rival.ts";

const ROUNDS = 400;
/** The rival acts up to this long after the order; a listen takes about half. */
const MAX_DELAY_MS = 4;

/** A round: both act at the path of a stale socket. */
async function race(
  rival: Rival,
  act: Act,
  path: string,
): Promise<{ put: number; listener: Listener | undefined }> {
  await makeStale(path);
  const [put, listener] = await Promise.all([
    rival.act(act, path, Math.random() * MAX_DELAY_MS),
    unix({ path }).listen().catch((error) => {
      assertInstanceOf(error, Deno.errors.AddrInUse, `${error}`);
      return undefined;
    }),
  ]);
  return { put, listener };
}

const what: Record<Act, string> = {
  rename: "a regular file that is renamed to the path",
  bind: "a socket that is bound to the path and does not listen yet",
  listen: "a socket that is bound to the path and listens",
};

for (const act of ["rename", "bind", "listen"] as const) {
  Deno.test(`unix: listening does not remove ${what[act]} at any moment`, () =>
    inFolder(async (folder) => {
      await using rival = new Rival();
      let listened = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const path = `${folder}/${round}`;
        const { put, listener } = await race(rival, act, path);
        assertEquals((await Deno.lstat(path)).ino, put, `round ${round}`);
        if (listener) listened++;
        await listener?.close();
        assertEquals((await Deno.lstat(path)).ino, put, `round ${round}`);
      }
      console.log(`${listened} of ${ROUNDS} listened before that`);
    }));
}

Deno.test("unix: close() does not remove a regular file that is renamed to the path at any moment", () =>
  inFolder(async (folder) => {
    await using rival = new Rival();
    for (let round = 0; round < ROUNDS; round++) {
      const path = `${folder}/${round}`;
      const listener = await unix({ path }).listen();
      const [put] = await Promise.all([
        rival.act("rename", path, Math.random() * MAX_DELAY_MS / 2),
        listener.close(),
      ]);
      assertEquals((await Deno.lstat(path)).ino, put, `round ${round}`);
    }
  }));
