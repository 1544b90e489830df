import type { WaitOptions } from "../transports/transport.ts";

/** Options of {@linkcode GuestAgentClient.exec}. */
export interface GuestExecOptions extends WaitOptions {
  /**
   * The arguments of the program.
   *
   * @default {[]}
   */
  args?: readonly string[] | undefined;
  /**
   * The whole environment of the program.
   *
   * @default {the environment of the agent}
   */
  env?: Readonly<Record<string, string>> | undefined;
  /**
   * The standard input of the program; text is sent as UTF-8.
   *
   * @default {undefined}
   */
  input?: Uint8Array | string | undefined;
}

/** The result of a program in the guest. */
export interface GuestExecResult {
  /** Whether the exit code is 0. */
  readonly success: boolean;
  /** The exit code; `undefined` if the program did not exit by itself. */
  readonly code: number | undefined;
  /**
   * The number of the signal that ended the program; on Windows, the code of an
   * exception.
   */
  readonly signal: number | undefined;
  /** The standard output: the first 16 MiB of it. */
  readonly stdout: Uint8Array<ArrayBuffer>;
  /** The standard error: the first 16 MiB of it. */
  readonly stderr: Uint8Array<ArrayBuffer>;
  /** Whether there was more standard output. */
  readonly stdoutTruncated: boolean;
  /** Whether there was more standard error. */
  readonly stderrTruncated: boolean;
}

/** Options of {@linkcode GuestAgentClient.readFile}. */
export interface GuestReadFileOptions extends WaitOptions {
  /**
   * The largest file that is read, in bytes. It bounds the memory that a hostile
   * guest can consume in the client.
   *
   * @default {1073741824}
   */
  maxBytes?: number | undefined;
}
