import { spawn } from "node:child_process";
import process from "node:process";
import type { Readable, Writable } from "node:stream";
import { ReadableSide } from "../_channel/readable_side.ts";
import type {
  ChildProcess,
  ExitStatus,
  SpawnOptions,
} from "../_system/child_process.ts";
import { ByteReader } from "./byte_reader.ts";
import { ByteWriter } from "./byte_writer.ts";
import { systemError } from "./system_error.ts";

const STDIO = { piped: "pipe", inherit: "inherit", null: "ignore" } as const;

/** Starts a program by `node:child_process`. */
export async function spawnProcess(
  command: string,
  { args, cwd, env, detached, stdin, stdout, stderr }: SpawnOptions,
): Promise<ChildProcess> {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    detached,
    stdio: [STDIO[stdin], STDIO[stdout], STDIO[stderr]],
  });
  const status = new Promise<ExitStatus>((resolve) => {
    child.once("exit", (code, signal) => {
      resolve({ success: code === 0, code: code ?? 128, signal });
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("spawn", () => {
      // From here on, an error is that of kill(), which throws it.
      child.off("error", reject);
      resolve();
    });
  }).catch((error) => {
    throw systemError(error);
  });
  return {
    pid: child.pid ?? 0,
    stdin: writableOf(child.stdin),
    stdout: readableOf(child.stdout),
    stderr: readableOf(child.stderr),
    status,
    kill(signal) {
      try {
        child.kill(signal);
      } catch (error) {
        throw systemError(error);
      }
    },
  };
}

function readableOf(stream: Readable | null): ReadableStream<Uint8Array> {
  if (!stream) return new ReadableStream();
  const reader = new ByteReader(stream);
  const cancel = () => void stream.destroy();
  return new ReadableSide((into) => reader.read(into), 1, cancel).stream;
}

function writableOf(stream: Writable | null): WritableStream<Uint8Array> {
  if (!stream) return new WritableStream();
  const writer = new ByteWriter(stream);
  return new WritableStream({
    write: async (chunk) => void await writer.write(chunk),
    close: () => writer.closeWrite(),
    abort: () => void stream.destroy(),
  });
}
