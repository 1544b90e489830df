import { retry } from "@std/async";
import {
  type Address,
  formatAddress,
  tcp,
  type Transport,
  unix,
} from "../transports/mod.ts";
import { RealProcess } from "./_real_process.ts";

export { needs } from "./_real_process.ts";

const NO_MACHINE = "-machine none -nodefaults -display none -S".split(" ");
const MACHINE = "-machine q35,accel=tcg -m 64 -display none -S".split(" ");

// With wait=on a line on stderr says that the socket listens; no client comes
// too early, and for port 0 the line has the port that was given.
const LISTENING = /waiting for connection on: disconnected:(?:tcp:.*:(\d+))?/;

/** A server in a process of its own that waits for its first client. */
export interface RealServer extends AsyncDisposable {
  readonly process: RealProcess;
  /** How to reach it. */
  readonly transport: Transport;
}

export interface QemuOptions {
  /** @default {"unix"} */
  monitor?: "unix" | "tcp" | "pretty";
  /**
   * A whole machine, stopped before its first instruction, instead of none.
   *
   * @default {false}
   */
  machine?: boolean;
  /** More arguments. */
  args?: string[];
}

/** QEMU, listening. */
export function startQemu(options: QemuOptions = {}): Promise<RealServer> {
  const { monitor = "unix", machine = false, args = [] } = options;
  const pretty = monitor === "pretty" ? "on" : "off";
  return startListening("qemu-system-x86_64", monitor === "tcp", (socket) => [
    ...(machine ? MACHINE : NO_MACHINE),
    ...["-chardev", socket],
    ...["-mon", `chardev=monitor,mode=control,pretty=${pretty}`],
    ...args,
  ]);
}

/** QEMU that connects to a listener of ours. */
export function startQemuDialling(address: Address): Promise<RealProcess> {
  const socket = formatAddress(address).replace("tcp://", "tcp:");
  return RealProcess.start({
    program: "qemu-system-x86_64",
    args: () => [...NO_MACHINE, "-qmp", socket],
  });
}

/** QEMU's storage daemon, listening. */
export function startStorageDaemon(): Promise<RealServer> {
  return startListening("qemu-storage-daemon", false, (socket) => [
    ...["--chardev", socket],
    ...["--monitor", "chardev=monitor"],
  ]);
}

/** QEMU's guest agent, listening; the guest is this machine. */
export async function startGuestAgent(): Promise<RealServer> {
  const process = await RealProcess.start({
    program: "qemu-ga",
    args: (folder) => [
      ...["-m", "unix-listen", "-p", `${folder}/socket`],
      ...["-t", folder, "-f", `${folder}/pid`, "-l", `${folder}/log`],
    ],
  });
  const transport = unix({ path: `${process.folder}/socket` });
  return await readied(process, async () => {
    // It says nothing when it listens, but takes one client after another.
    const first = await retry(() => transport.connect(), {
      maxAttempts: 100,
      minTimeout: 5,
      maxTimeout: 100,
      isRetriable: (error) =>
        error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.ConnectionRefused,
    });
    await first.close();
    return transport;
  });
}

async function startListening(
  program: string,
  overTcp: boolean,
  args: (socket: string) => string[],
): Promise<RealServer> {
  const process = await RealProcess.start({
    program,
    args: (folder) =>
      args(
        "socket,id=monitor,server=on,wait=on," +
          (overTcp ? "host=127.0.0.1,port=0" : `path=${folder}/socket`),
      ),
    ready: LISTENING,
  });
  return await readied(process, async () => {
    const [, port] = await process.ready();
    return overTcp
      ? tcp({ port: Number(port) })
      : unix({ path: `${process.folder}/socket` });
  });
}

async function readied(
  process: RealProcess,
  ready: () => Promise<Transport>,
): Promise<RealServer> {
  try {
    const transport = await ready();
    return {
      process,
      transport,
      [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
    };
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw error;
  }
}
