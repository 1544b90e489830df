import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { nodeSystem } from "../../../transports/_node/node_system.ts";
import { systemError } from "../../../transports/_node/system_error.ts";
import { tcpOf } from "../../../transports/tcp.ts";
import { systemErrors } from "../../../transports/_util/system_errors.ts";
import { rejection } from "../../../testing/_util/rejection.ts";
import { inFolder } from "../../support/in_folder.ts";

Deno.test("node: an unreachable network is the error that it is in Deno", async () => {
  // TCP has no broadcast, so no route leads there.
  const to = { hostname: "255.255.255.255", port: 1 };
  const { NetworkUnreachable } = systemErrors;
  await assertRejects(() => Deno.connect(to), NetworkUnreachable);
  await assertRejects(
    () => nodeSystem.connectTcp(to, undefined),
    NetworkUnreachable,
    "network is unreachable (ENETUNREACH)",
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
      "illegal operation on a directory (EISDIR)",
    );
  }));

Deno.test("node: a connection that the system has aborted is ConnectionAborted", () => {
  const aborted = new Error("accept ECONNABORTED");
  const error = systemError(Object.assign(aborted, { code: "ECONNABORTED" }));
  assertEquals(error.name, "ConnectionAborted");
  assertEquals(
    error.message,
    "software caused connection abort (ECONNABORTED)",
  );
});

for (
  const [message, code, told] of [
    [
      "connect EMFILE 127.0.0.1:1 - Local (undefined:undefined)",
      "EMFILE",
      "too many open files (EMFILE)",
    ],
    [
      "getaddrinfo EAI_AGAIN example.com",
      "EAI_AGAIN",
      "temporary failure (EAI_AGAIN)",
    ],
    [
      "getaddrinfo ENOTFOUND example.com",
      "ENOTFOUND",
      "unknown host (ENOTFOUND)",
    ],
  ] as const
) {
  Deno.test(`node: ${code} is told without Node's call`, () => {
    const given = Object.assign(new Error(message), { code });
    const error = systemError(given);
    assertEquals(String(error), `Error: ${told}`);
    assertEquals(Reflect.get(error, "code"), code);
    assertEquals(error.cause, given);
  });
}

Deno.test("node: a host that is unknown is told with our action and address", async () => {
  const transport = tcpOf(nodeSystem, { hostname: "nosuch.invalid", port: 1 });
  const error = await rejection(transport.connect());
  // Without a network it is another code.
  const told =
    /^Error: Connect to tcp:\/\/nosuch\.invalid:1: [a-z ]+ \(E\w+\)$/;
  assertMatch(String(error), told);
});
