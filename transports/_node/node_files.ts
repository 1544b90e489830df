import type { Stats } from "node:fs";
import * as fs from "node:fs/promises";
import type { FileInfo, Files } from "../_system/files.ts";
import { systemErrors } from "../_util/system_errors.ts";
import { systemError } from "./system_error.ts";

/** The file system by `node:fs`, without the locks that it does not have. */
export const nodeFiles: Files = {
  lstat: async (path) => infoOf(await explained(fs.lstat(path))),
  chmod: (path, mode) => explained(fs.chmod(path, mode)),
  mkdir: async (path, options) => void await explained(fs.mkdir(path, options)),
  link: (from, to) => explained(fs.link(from, to)),
  rename: (from, to) => explained(fs.rename(from, to)),
  remove: (path, { recursive = false } = {}) =>
    explained(recursive ? fs.rm(path, { recursive }) : removeOne(path)),
  async *readDir(path) {
    for (const name of await explained(fs.readdir(path))) yield { name };
  },
  readTextFile: (path) => explained(fs.readFile(path, "utf8")),
  async open(folder) {
    const handle = await explained(fs.open(folder));
    const close = () => void handle.close();
    return {
      tryLock: () =>
        Promise.reject(new systemErrors.NotSupported("Node has no flock(2)")),
      stat: async () => infoOf(await explained(handle.stat())),
      close,
      [Symbol.dispose]: close,
    };
  },
};

async function removeOne(path: string): Promise<void> {
  const { isDirectory } = infoOf(await fs.lstat(path));
  await (isDirectory ? fs.rmdir(path) : fs.unlink(path));
}

function infoOf(stats: Stats): FileInfo {
  const { dev, ino, uid } = stats;
  return {
    ...{ dev, ino, uid },
    isSocket: stats.isSocket(),
    isDirectory: stats.isDirectory(),
  };
}

async function explained<T>(done: Promise<T>): Promise<T> {
  try {
    return await done;
  } catch (error) {
    throw systemError(error);
  }
}
