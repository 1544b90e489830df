import type {
  GuestAgentInfo,
  GuestCpuStats,
  GuestDeviceInfo,
  GuestDiskInfo,
  GuestDiskStatsInfo,
  GuestExecCaptureOutputMode,
  GuestExecStatus,
  GuestFilesystemInfo,
  GuestFilesystemTrimResult,
  GuestFileWhence,
  GuestFsfreezeStatus,
  GuestLogicalProcessor,
  GuestMemoryBlock,
  GuestMemoryBlockResponse,
  GuestNetworkInterface,
  GuestNetworkRoute,
  GuestOSInfo,
  GuestShutdownMode,
  GuestUser,
} from "./guest_agent_values.ts";
import type { QMPInteger } from "./messages.ts";

/**
 * The commands of QEMU's guest agent, up to version 10, for
 * `GuestAgentClient<GuestAgentSchema>`. `guest-info` lists the commands that an
 * agent has.
 *
 * @example Typed commands
 * ```ts
 * import {
 *   type CommandResult,
 *   GuestAgentClient,
 *   type GuestAgentSchema,
 * } from "@parley/parley/qmp";
 * import { assertEquals } from "@std/assert";
 *
 * const agent = new GuestAgentClient<GuestAgentSchema>();
 * const prettyName = (
 *   { "pretty-name": name }: CommandResult<GuestAgentSchema, "guest-get-osinfo">,
 * ): string => name ?? "unknown";
 * assertEquals(prettyName({ "pretty-name": "Debian 12" }), "Debian 12");
 * assertEquals(agent.runstate, "idle");
 * ```
 */
export interface GuestAgentSchema {
  /** The commands, by name. */
  commands: {
    "guest-sync-delimited": {
      arguments: { id: QMPInteger };
      returns: QMPInteger;
    };
    "guest-sync": { arguments: { id: QMPInteger }; returns: QMPInteger };
    "guest-ping": {
      arguments: Record<never, never>;
      returns: Record<never, never>;
    };
    "guest-info": { arguments: Record<never, never>; returns: GuestAgentInfo };
    "guest-get-time": { arguments: Record<never, never>; returns: QMPInteger };
    "guest-set-time": {
      arguments: { time?: QMPInteger };
      returns: Record<never, never>;
    };
    "guest-shutdown": {
      arguments: { mode?: GuestShutdownMode };
      returns: Record<never, never>;
    };
    "guest-suspend-disk": {
      arguments: Record<never, never>;
      returns: Record<never, never>;
    };
    "guest-suspend-ram": {
      arguments: Record<never, never>;
      returns: Record<never, never>;
    };
    "guest-suspend-hybrid": {
      arguments: Record<never, never>;
      returns: Record<never, never>;
    };

    "guest-exec": {
      arguments: {
        path: string;
        arg?: readonly string[];
        env?: readonly string[];
        /** Base64. */
        "input-data"?: string;
        "capture-output"?: boolean | GuestExecCaptureOutputMode;
      };
      returns: { pid: QMPInteger };
    };
    "guest-exec-status": {
      arguments: { pid: QMPInteger };
      returns: GuestExecStatus;
    };

    "guest-file-open": {
      arguments: { path: string; mode?: string };
      returns: QMPInteger;
    };
    "guest-file-close": {
      arguments: { handle: QMPInteger };
      returns: Record<never, never>;
    };
    "guest-file-read": {
      arguments: { handle: QMPInteger; count?: QMPInteger };
      returns: { count: QMPInteger; "buf-b64": string; eof: boolean };
    };
    "guest-file-write": {
      arguments: { handle: QMPInteger; "buf-b64": string; count?: QMPInteger };
      returns: { count: QMPInteger; eof: boolean };
    };
    "guest-file-seek": {
      arguments: {
        handle: QMPInteger;
        offset: QMPInteger;
        whence: GuestFileWhence | 0 | 1 | 2;
      };
      returns: { position: QMPInteger; eof: boolean };
    };
    "guest-file-flush": {
      arguments: { handle: QMPInteger };
      returns: Record<never, never>;
    };

    "guest-fsfreeze-status": {
      arguments: Record<never, never>;
      returns: GuestFsfreezeStatus;
    };
    "guest-fsfreeze-freeze": {
      arguments: Record<never, never>;
      returns: QMPInteger;
    };
    "guest-fsfreeze-freeze-list": {
      arguments: { mountpoints?: readonly string[] };
      returns: QMPInteger;
    };
    "guest-fsfreeze-thaw": {
      arguments: Record<never, never>;
      returns: QMPInteger;
    };
    "guest-fstrim": {
      arguments: { minimum?: QMPInteger };
      returns: { paths: GuestFilesystemTrimResult[] };
    };
    "guest-get-fsinfo": {
      arguments: Record<never, never>;
      returns: GuestFilesystemInfo[];
    };
    "guest-get-disks": {
      arguments: Record<never, never>;
      returns: GuestDiskInfo[];
    };
    "guest-get-diskstats": {
      arguments: Record<never, never>;
      returns: GuestDiskStatsInfo[];
    };

    "guest-network-get-interfaces": {
      arguments: Record<never, never>;
      returns: GuestNetworkInterface[];
    };
    "guest-network-get-route": {
      arguments: Record<never, never>;
      returns: GuestNetworkRoute[];
    };

    "guest-get-vcpus": {
      arguments: Record<never, never>;
      returns: GuestLogicalProcessor[];
    };
    "guest-set-vcpus": {
      arguments: { vcpus: readonly GuestLogicalProcessor[] };
      returns: QMPInteger;
    };
    "guest-get-cpustats": {
      arguments: Record<never, never>;
      returns: GuestCpuStats[];
    };
    "guest-get-load": {
      arguments: Record<never, never>;
      returns: { load1m: number; load5m: number; load15m: number };
    };
    "guest-get-memory-blocks": {
      arguments: Record<never, never>;
      returns: GuestMemoryBlock[];
    };
    "guest-set-memory-blocks": {
      arguments: { "mem-blks": readonly GuestMemoryBlock[] };
      returns: GuestMemoryBlockResponse[];
    };
    "guest-get-memory-block-info": {
      arguments: Record<never, never>;
      returns: { size: QMPInteger };
    };
    "guest-get-devices": {
      arguments: Record<never, never>;
      returns: GuestDeviceInfo[];
    };

    "guest-get-host-name": {
      arguments: Record<never, never>;
      returns: { "host-name": string };
    };
    "guest-get-osinfo": {
      arguments: Record<never, never>;
      returns: GuestOSInfo;
    };
    "guest-get-timezone": {
      arguments: Record<never, never>;
      returns: { zone?: string; offset: QMPInteger };
    };
    "guest-get-users": {
      arguments: Record<never, never>;
      returns: GuestUser[];
    };
    "guest-set-user-password": {
      arguments: { username: string; password: string; crypted: boolean };
      returns: Record<never, never>;
    };
    "guest-ssh-get-authorized-keys": {
      arguments: { username: string };
      returns: { keys: string[] };
    };
    "guest-ssh-add-authorized-keys": {
      arguments: { username: string; keys: readonly string[]; reset?: boolean };
      returns: Record<never, never>;
    };
    "guest-ssh-remove-authorized-keys": {
      arguments: { username: string; keys: readonly string[] };
      returns: Record<never, never>;
    };
  };
  /** A guest agent has no events. */
  events: Record<never, never>;
}
