import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { inFolder } from "../support/in_folder.ts";
import { launch } from "../../qmp/launch.ts";
import { QMPClient, reconnecting } from "../../qmp/mod.ts";
import { unix } from "../../transports/mod.ts";
import { needs, startQemuDialling } from "../support/servers/qemu.ts";
import { RealProcess } from "../support/servers/real_process.ts";

Deno.test({
  name: "a client connects to the next QEMU after one was killed",
  ...needs("qemu-system-x86_64"),
  fn: () =>
    inFolder(async (folder) => {
      const path = `${folder}/socket`;
      const args = "-machine none -nodefaults -display none -S -qmp".split(" ");
      const start = (name: string) =>
        launch({
          args: [...args, `unix:${path},server=on,wait=off`, "-name", name],
        });
      const client = new QMPClient({ handshakeTimeout: 1_000 });
      const connection = reconnecting(client, unix({ path }), {
        initialDelay: 10,
      });
      const resumes = connection.listen("RESUME");
      for (const name of ["first", "second"]) {
        const qemu = await start(name);
        await connection.connected();
        assertEquals(await client.execute("query-name"), { name });
        await client.execute("cont");
        await resumes.next();
        const { closed } = client;
        Deno.kill(qemu.pid, "SIGKILL");
        assertInstanceOf(await closed.catch((error) => error), Error);
        await qemu[Symbol.asyncDispose]();
      }
      await connection[Symbol.asyncDispose]();
    }),
});

Deno.test({
  name: "a client connects to the next storage daemon after one was killed",
  ...needs("qemu-storage-daemon"),
  fn: () =>
    inFolder(async (folder) => {
      const path = `${folder}/socket`;
      const client = new QMPClient();
      const connection = reconnecting(client, unix({ path }), {
        initialDelay: 10,
      });
      const jobs = connection.listen("JOB_STATUS_CHANGE", {
        filter: ({ data }) => data?.status === "concluded",
      });
      for (const name of ["first", "second", "third"]) {
        await using daemon = await RealProcess.start({
          program: "qemu-storage-daemon",
          args: () => [
            ...["--chardev", `socket,id=m,path=${path},server=on,wait=on`],
            ...["--monitor", "chardev=m"],
          ],
        });
        await connection.connected();
        await client.execute("blockdev-create", {
          "job-id": name,
          options: { driver: "file", filename: `${folder}/${name}`, size: 512 },
        });
        assertEquals((await jobs.next()).data?.id, name);
        const lost = assertRejects(() => client.closed);
        daemon.kill("SIGKILL");
        await lost;
      }
      assertEquals([jobs.dropped, jobs.closed], [0, false]);
      await connection[Symbol.asyncDispose]();
    }),
});

Deno.test({
  name: "a client accepts one dialling QEMU after the other",
  ...needs("qemu-system-x86_64"),
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "parley-" });
    {
      await using listener = await unix({ path: `${folder}/socket` }).listen();
      const client = new QMPClient();
      await using connection = reconnecting(client, listener);
      const resumes = connection.listen("RESUME");
      for (let time = 0; time < 3; time++) {
        await using qemu = await startQemuDialling(listener.address);
        await connection.connected();
        await client.execute("cont");
        await resumes.next();
        const lost = assertRejects(() => client.closed);
        qemu.kill("SIGKILL");
        await lost;
      }
    }
    await Deno.remove(folder); // The listener has removed its file.
  },
});
