import { assertEquals } from "@std/assert";
import { inFolder } from "../support/in_folder.ts";
import { runDeno } from "../support/program.ts";

const root = new URL("../../", import.meta.url);

for (const umask of ["0o000", "0o022", "0o177", "0o777"]) {
  Deno.test({
    name:
      `unix: a user who is not root listens with a umask of ${umask}, and the mode is 0600`,
    ignore: Deno.build.os !== "linux",
    fn: () =>
      inFolder(async (folder) => {
        // Every user may enter all folders of the path.
        await Deno.chmod(folder, 0o777);
        const outcome = await runDeno(
          ["run", "--quiet", "--allow-all", "-"],
          `import { unix } from "${root}transports/mod.ts";
           import { becomeNobody } from "${root}tests/support/transports/libc.ts";
           import { makeStale } from "${root}tests/support/transports/stale_socket.ts";
           becomeNobody();
           const path = "${folder}/s";
           const transport = unix({ path });
           await makeStale(path);
           Deno.umask(${umask});
           {
             await using listener = await transport.listen();
             console.log((Deno.lstatSync(path).mode & 0o777).toString(8));
             await using near = await transport.connect();
             await using far = await listener.accept();
           }
           console.log([...Deno.readDirSync("${folder}")]);`,
        );
        assertEquals(outcome, { code: 0, stdout: "600\n[]\n", stderr: "" });
      }),
  });
}
