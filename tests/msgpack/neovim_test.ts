import { assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { JSONRPCError } from "../../jsonrpc/mod.ts";
import { MsgpackRPCPeer } from "../../msgpack/mod.ts";
import { CallInterruptedError, unix } from "../../mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { needs, RealProcess } from "../support/real_process.ts";

/** The methods of Neovim that the tests call. */
interface Neovim {
  nvim_eval(params: [string]): unknown;
  nvim_command(params: [string]): null;
  nvim_get_current_line(params: []): string;
  nvim_set_current_line(params: [string]): null;
  nvim_get_api_info(params: []): [channel: number, info: unknown];
}

/** The method of ours that Neovim calls. */
interface Ours {
  double(params: [number]): number;
}

async function startNeovim(): Promise<
  { peer: MsgpackRPCPeer<Neovim, Ours>; process: RealProcess } & AsyncDisposable
> {
  const process = await RealProcess.start({
    program: "nvim",
    args: (folder) => [
      ...["--headless", "--clean", "--listen", `${folder}/nvim`],
      ...["--cmd", "lua io.stderr:write('listening\\n')"],
    ],
    ready: /listening/,
  });
  await process.ready();
  const peer = new MsgpackRPCPeer<Neovim, Ours>({
    timeout: 10_000,
    methods: { double: ([n]) => 2 * n },
  });
  await peer.connect(unix({ path: `${process.folder}/nvim` }));
  return {
    peer,
    process,
    async [Symbol.asyncDispose]() {
      await peer[Symbol.asyncDispose]().catch(() => {});
      await process[Symbol.asyncDispose]();
    },
  };
}

const neovim = needs("nvim");

Deno.test({
  name: "Neovim: calls both ways, errors and text",
  ...neovim,
  fn: async () => {
    await using ends = await startNeovim();
    const { peer } = ends;
    assertEquals(await peer.request("nvim_eval", ["6 * 7"]), 42);
    await peer.request("nvim_set_current_line", ["grüße\tan alle"]);
    assertEquals(
      await peer.request("nvim_get_current_line", []),
      "grüße\tan alle",
    );
    const [channel] = await peer.request("nvim_get_api_info", []);
    assertEquals(
      await peer.request("nvim_eval", [`rpcrequest(${channel}, 'double', 21)`]),
      42,
    );
    const error = await rejection(peer.request("nvim_eval", ["nosuch"]));
    assertInstanceOf(error, JSONRPCError);
    assertMatch(error.message, /Undefined variable: nosuch/);
  },
});

Deno.test({
  name: "Neovim: killed in the middle of a call, which says that it was sent",
  ...neovim,
  fn: async () => {
    await using ends = await startNeovim();
    const { peer, process } = ends;
    const sleeping = rejection(peer.request("nvim_command", ["sleep 60"]));
    await peer.flush();
    process.kill("SIGKILL");
    const error = await sleeping;
    assertInstanceOf(error, CallInterruptedError);
    assertEquals([error.method, error.sent], ["nvim_command", true]);
  },
});
