import { assertEquals } from "@std/assert";
import { jsonLines, Peer, serve } from "../../../protocol/mod.ts";
import {
  formatAddress,
  type Transport,
  unix,
} from "../../../transports/mod.ts";
import { makeStale } from "../../support/transports/stale_socket.ts";
import type { Attack } from "../attack.ts";

const ROUNDS = 3_000;
/** The file comes up to this long after the order; a listen takes about half. */
const MAX_DELAY_MS = 3;

/** Listens at each path that it gets, closes again, and reports whether it could. */
class ListensAt extends Peer<unknown> {
  protected override async onMessage(path: unknown): Promise<void> {
    let listened = true;
    try {
      await (await unix({ path: String(path) }).listen()).close();
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      listened = false;
    }
    await this.send(listened);
  }
}

async function connect(transport: Transport): Promise<Peer<unknown>> {
  const client = new Peer<unknown>({ codec: jsonLines });
  await client.connect(transport);
  return client;
}

/** Files that appear at a path while the victim replaces a stale socket there. */
export const attack: Attack = {
  name: "files renamed to a path where the victim listens",
  maxMemory: 64,
  maxBlock: 100,
  async start(folder) {
    const listener = await unix({ path: `${folder}/victim` }).listen();
    const server = serve(listener, () => new ListensAt({ codec: jsonLines }));
    return formatAddress(server.addr);
  },
  async run({ transport, folder }, scale) {
    await using client = await connect(transport);
    const rounds = Math.round(scale * ROUNDS);
    for (let round = 0; round < rounds; round++) {
      const path = `${folder}/${round}`;
      await makeStale(path);
      await Deno.writeTextFile(`${path}-own`, "precious");
      const { ino } = await Deno.lstat(`${path}-own`);
      await client.send(path);
      await client.flush();
      const end = performance.now() + Math.random() * MAX_DELAY_MS;
      while (performance.now() < end);
      Deno.renameSync(`${path}-own`, path);
      await client.receive();
      assertEquals((await Deno.lstat(path)).ino, ino, "A file is lost");
      await Deno.remove(path);
    }
    return `${rounds} files`;
  },
  async serves({ transport, folder }) {
    const path = `${folder}/${crypto.randomUUID()}`;
    await using client = await connect(transport);
    await client.send(path);
    assertEquals(await client.receive(), true);
  },
};
