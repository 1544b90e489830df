import { retry } from "@std/async";
import {
  type Address,
  formatAddress,
  tcp,
  tls,
  type Transport,
  unix,
} from "../../../transports/mod.ts";
import { certificates } from "../transports/certificates.ts";
import { RealProcess } from "./real_process.ts";
import { type RealServer, startServer } from "./real_server.ts";

export { needs } from "./real_process.ts";

const NO_MACHINE = "-machine none -nodefaults -display none -S".split(" ");
const MACHINE = "-machine q35,accel=tcg -m 64 -display none -S".split(" ");

// With wait=on, QEMU prints a line on stderr when the socket listens. So there is no
// start-up race, and for port 0 the line has the assigned port.
const LISTENING = /waiting for connection on: disconnected:(?:tcp:.*:(\d+))?/;

export interface QemuOptions {
  /**
   * How the monitor is reached; `pretty` is Unix with answers over many lines.
   *
   * @default {"unix"}
   */
  monitor?: "unix" | "pretty" | "tcp" | "tls" | "mutual-tls";
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
  const server = {
    program: "qemu-system-x86_64",
    args: (socket: string) => [
      ...(machine ? MACHINE : NO_MACHINE),
      ...["-chardev", socket],
      ...["-mon", `chardev=monitor,mode=control,pretty=${pretty}`],
      ...args,
    ],
  };
  switch (monitor) {
    case "unix":
    case "pretty":
      return startListening(server);
    case "tcp":
      return startListening({ ...server, overPort: (port) => tcp({ port }) });
    case "tls":
    case "mutual-tls":
      return startQemuOverTls(server, monitor === "mutual-tls");
  }
}

/** QEMU that connects to a listener of ours, over Unix or TCP. */
export function startQemuDialling(address: Address): Promise<RealProcess> {
  const socket = formatAddress(address).replace("tcp://", "tcp:");
  return RealProcess.start({
    program: "qemu-system-x86_64",
    args: () => [...NO_MACHINE, "-qmp", socket],
  });
}

/** QEMU's storage daemon, listening on a Unix socket. */
export function startStorageDaemon(): Promise<RealServer> {
  return startListening({
    program: "qemu-storage-daemon",
    args: (socket) => ["--chardev", socket, "--monitor", "chardev=monitor"],
  });
}

/** QEMU's guest agent, on a Unix socket; its guest is this machine. */
export function startGuestAgent(): Promise<RealServer> {
  return startServer({
    program: "qemu-ga",
    args: (folder) => [
      ...["-m", "unix-listen", "-p", `${folder}/socket`],
      ...["-t", folder, "-f", `${folder}/pid`, "-l", `${folder}/log`],
    ],
  }, async (process) => {
    const transport = unix({ path: `${process.folder}/socket` });
    // It prints nothing when it listens, but accepts one client after another.
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

interface ServerOptions {
  program: string;
  args: (socket: string, folder: string) => string[] | Promise<string[]>;
  /** How to reach the port, over TCP; without it the socket is a Unix one. */
  overPort?: (port: number) => Transport;
}

async function startQemuOverTls(
  { program, args }: ServerOptions,
  mutual: boolean,
): Promise<RealServer> {
  const { ca, server, client } = await certificates();
  const verifyPeer = mutual ? "yes" : "no";
  return await startListening({
    program,
    args: async (socket, folder) => {
      await Deno.writeTextFile(`${folder}/ca-cert.pem`, ca);
      await Deno.writeTextFile(`${folder}/server-cert.pem`, server.cert);
      await Deno.writeTextFile(`${folder}/server-key.pem`, server.key);
      await writeDhParams(`${folder}/dh-params.pem`);
      const credentials = `tls-creds-x509,id=tls,dir=${folder}` +
        `,endpoint=server,verify-peer=${verifyPeer}`;
      return [
        ...["-object", credentials],
        ...await args(`${socket},tls-creds=tls`, folder),
      ];
    },
    overPort: (port) =>
      tls({ port, caCerts: [ca], ...(mutual ? client : undefined) }),
  });
}

/** Well-known parameters: QEMU computes its own where there are none. */
async function writeDhParams(path: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("certtool", {
    args: ["--get-dh-params", "--outfile", path],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

function startListening(
  { program, args, overPort }: ServerOptions,
): Promise<RealServer> {
  return startServer({
    program,
    args: (folder) => {
      const address = overPort
        ? "host=127.0.0.1,port=0"
        : `path=${folder}/socket`;
      const socket = `socket,id=monitor,server=on,wait=on,${address}`;
      return args(socket, folder);
    },
    ready: LISTENING,
  }, async (process) => {
    const [, port] = await process.ready();
    return overPort?.(Number(port)) ??
      unix({ path: `${process.folder}/socket` });
  });
}
