/** How a program is started. */
export interface SpawnOptions {
  readonly args: string[];
  readonly cwd?: string;
  /** In addition to the environment of this process. */
  readonly env?: Record<string, string>;
  /** What a terminal sends to this process does not reach a detached one. */
  readonly detached?: boolean;
  readonly stdin: "piped";
  readonly stdout: "piped" | "null";
  readonly stderr: "piped" | "inherit" | "null";
}

/** How a process has ended. */
export interface ExitStatus {
  readonly success: boolean;
  readonly code: number;
  readonly signal: string | null;
}

/** A process, as `Deno.ChildProcess` is. A stream that is not piped is not used. */
export interface ChildProcess {
  readonly pid: number;
  readonly stdin: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly status: Promise<ExitStatus>;
  /** @throws {TypeError} The process has ended. */
  kill(signal: "SIGTERM" | "SIGKILL"): void;
}
