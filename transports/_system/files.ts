/** What is at a path. */
export interface FileInfo {
  readonly dev: number;
  readonly ino: number | null;
  readonly uid: number | null;
  readonly isSocket: boolean | null;
  readonly isDirectory: boolean;
}

/** An open folder. */
export interface OpenFolder extends Disposable {
  /** Takes the lock of flock(2), unless another process has it. */
  tryLock(exclusive: true): Promise<boolean>;
  stat(): Promise<FileInfo>;
  close(): void;
}

/** The file system, as `Deno` has it. */
export interface Files {
  lstat(path: string): Promise<FileInfo>;
  chmod(path: string, mode: number): Promise<void>;
  mkdir(path: string, options: { mode: number }): Promise<void>;
  /** Gives a file one more name; it never replaces another file. */
  link(from: string, to: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string, options?: { recursive?: boolean }): Promise<void>;
  readDir(path: string): AsyncIterable<{ readonly name: string }>;
  readTextFile(path: string): Promise<string>;
  open(folder: string): Promise<OpenFolder>;
}
