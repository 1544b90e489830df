import { assertEquals, assertRejects } from "@std/assert";
import { nodeSystem } from "../../../transports/_node/node_system.ts";
import { systemError } from "../../../transports/_node/system_error.ts";
import { systemErrors } from "../../../transports/_util/system_errors.ts";
import { inFolder } from "../../support/in_folder.ts";

Deno.test("node: an unreachable network is the error that it is in Deno", async () => {
  // TCP has no broadcast, so no route leads there.
  const to = { hostname: "255.255.255.255", port: 1 };
  const { NetworkUnreachable } = systemErrors;
  await assertRejects(() => Deno.connect(to), NetworkUnreachable);
  await assertRejects(
    () => nodeSystem.connectTcp(to, undefined),
    NetworkUnreachable,
    "network unreachable (ENETUNREACH)",
  );
});

Deno.test("node: a folder in the place of a file is the error that it is in Deno", () =>
  inFolder(async (folder) => {
    const [file, other] = [`${folder}/file`, `${folder}/other`];
    await Deno.writeTextFile(file, "");
    await Deno.mkdir(other);
    const { IsADirectory } = systemErrors;
    await assertRejects(() => Deno.rename(file, other), IsADirectory);
    await assertRejects(
      () => nodeSystem.files.rename(file, other),
      IsADirectory,
      "is a directory (EISDIR)",
    );
  }));

Deno.test("node: a connection that the system has aborted is ConnectionAborted", () => {
  const aborted = new Error("accept ECONNABORTED");
  const error = systemError(Object.assign(aborted, { code: "ECONNABORTED" }));
  assertEquals(error.name, "ConnectionAborted");
  assertEquals(error.message, "connection aborted (ECONNABORTED)");
});
