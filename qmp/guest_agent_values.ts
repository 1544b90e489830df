import type { QMPInteger, QMPOther } from "./messages.ts";

/** How a guest shuts down. */
export type GuestShutdownMode = "halt" | "powerdown" | "reboot";

/** The captured part of a program's output; since agents of version 8.1. */
export type GuestExecCaptureOutputMode =
  | "none"
  | "stdout"
  | "stderr"
  | "separated"
  | "merged";

/** The origin of an offset in a file. */
export type GuestFileWhence = "set" | "cur" | "end";

/** Whether file systems are frozen. */
export type GuestFsfreezeStatus = "thawed" | "frozen" | QMPOther;

/** The family of an IP address. */
export type GuestIpAddressType = "ipv4" | "ipv6" | QMPOther;

/** The bus of a disk. */
export type GuestDiskBusType =
  | "ide"
  | "fdc"
  | "scsi"
  | "virtio"
  | "xen"
  | "usb"
  | "uml"
  | "sata"
  | "sd"
  | "unknown"
  | "ieee1394"
  | "ssa"
  | "fibre"
  | "raid"
  | "iscsi"
  | "sas"
  | "mmc"
  | "virtual"
  | "file-backed-virtual"
  | "nvme"
  | QMPOther;

/** What has become of a memory block. */
export type GuestMemoryBlockResponseType =
  | "success"
  | "not-found"
  | "operation-not-supported"
  | "operation-failed"
  | QMPOther;

/** An agent. */
export type GuestAgentInfo = {
  version: string;
  supported_commands: GuestAgentCommandInfo[];
};

/** A command of an agent. */
export type GuestAgentCommandInfo = {
  name: string;
  enabled: boolean;
  /** Whether there is a reply if the command succeeds. */
  "success-response": boolean;
};

/** The status of a program. */
export type GuestExecStatus = {
  exited: boolean;
  exitcode?: QMPInteger;
  signal?: QMPInteger;
  /** Base64. */
  "out-data"?: string;
  /** Base64. */
  "err-data"?: string;
  "out-truncated"?: boolean;
  "err-truncated"?: boolean;
};

/** The bytes that were trimmed of a file system. */
export type GuestFilesystemTrimResult = {
  path: string;
  error?: string;
  trimmed?: QMPInteger;
  minimum?: QMPInteger;
};

/** A file system that is mounted. */
export type GuestFilesystemInfo = {
  name: string;
  mountpoint: string;
  type: string;
  "used-bytes"?: QMPInteger;
  "total-bytes"?: QMPInteger;
  "total-bytes-privileged"?: QMPInteger;
  disk: GuestDiskAddress[];
};

/** The address of a disk. */
export type GuestDiskAddress = {
  "pci-controller": {
    domain: QMPInteger;
    bus: QMPInteger;
    slot: QMPInteger;
    function: QMPInteger;
  };
  "bus-type": GuestDiskBusType;
  bus: QMPInteger;
  target: QMPInteger;
  unit: QMPInteger;
  serial?: string;
  dev?: string;
  "ccw-address"?: {
    cssid: QMPInteger;
    ssid: QMPInteger;
    subchno: QMPInteger;
    devno: QMPInteger;
  };
};

/** A disk or a partition. */
export type GuestDiskInfo = {
  name: string;
  partition: boolean;
  dependencies?: string[];
  address?: GuestDiskAddress;
  alias?: string;
  /** The disk's health data, whose members depend on the type. */
  smart?: { type: GuestDiskBusType; [member: string]: unknown };
};

/** A disk with its statistics. */
export type GuestDiskStatsInfo = {
  name: string;
  major: QMPInteger;
  minor: QMPInteger;
  stats: GuestDiskStats;
};

/** The statistics of a disk; times are in milliseconds. */
export type GuestDiskStats = {
  "read-sectors"?: QMPInteger;
  "read-ios"?: QMPInteger;
  "read-merges"?: QMPInteger;
  "write-sectors"?: QMPInteger;
  "write-ios"?: QMPInteger;
  "write-merges"?: QMPInteger;
  "discard-sectors"?: QMPInteger;
  "discard-ios"?: QMPInteger;
  "discard-merges"?: QMPInteger;
  "flush-ios"?: QMPInteger;
  "read-ticks"?: QMPInteger;
  "write-ticks"?: QMPInteger;
  "discard-ticks"?: QMPInteger;
  "flush-ticks"?: QMPInteger;
  "ios-pgr"?: QMPInteger;
  "total-ticks"?: QMPInteger;
  "weight-ticks"?: QMPInteger;
};

/** A network interface. */
export type GuestNetworkInterface = {
  name: string;
  "hardware-address"?: string;
  "ip-addresses"?: {
    "ip-address": string;
    "ip-address-type": GuestIpAddressType;
    prefix: QMPInteger;
  }[];
  statistics?: GuestNetworkInterfaceStat;
};

/** The statistics of a network interface. */
export type GuestNetworkInterfaceStat = {
  "rx-bytes": QMPInteger;
  "rx-packets": QMPInteger;
  "rx-errs": QMPInteger;
  "rx-dropped": QMPInteger;
  "tx-bytes": QMPInteger;
  "tx-packets": QMPInteger;
  "tx-errs": QMPInteger;
  "tx-dropped": QMPInteger;
};

/** A route; since agents of version 9.1. */
export type GuestNetworkRoute = {
  iface: string;
  destination: string;
  metric: QMPInteger;
  gateway?: string;
  version: QMPInteger;
  /** Further members depend on the version of IP. */
  [member: string]: unknown;
};

/** A processor. */
export type GuestLogicalProcessor = {
  "logical-id": QMPInteger;
  online: boolean;
  "can-offline"?: boolean;
};

/** The statistics of a processor, in milliseconds. */
export type GuestCpuStats = {
  type: "linux" | QMPOther;
  cpu: QMPInteger;
  user: QMPInteger;
  nice: QMPInteger;
  system: QMPInteger;
  idle: QMPInteger;
  iowait?: QMPInteger;
  irq?: QMPInteger;
  softirq?: QMPInteger;
  steal?: QMPInteger;
  guest?: QMPInteger;
  guestnice?: QMPInteger;
};

/** A block of memory. */
export type GuestMemoryBlock = {
  "phys-index": QMPInteger;
  online: boolean;
  "can-offline"?: boolean;
};

/** What has become of a memory block. */
export type GuestMemoryBlockResponse = {
  "phys-index": QMPInteger;
  response: GuestMemoryBlockResponseType;
  "error-code"?: QMPInteger;
};

/** A device of a Windows guest, with its driver. */
export type GuestDeviceInfo = {
  "driver-name": string;
  "driver-date"?: QMPInteger;
  "driver-version"?: string;
  id?: {
    type: "pci" | QMPOther;
    "vendor-id": QMPInteger;
    "device-id": QMPInteger;
  };
};

/** An operating system, in its own words. */
export type GuestOSInfo = {
  "kernel-release"?: string;
  "kernel-version"?: string;
  machine?: string;
  id?: string;
  name?: string;
  "pretty-name"?: string;
  version?: string;
  "version-id"?: string;
  variant?: string;
  "variant-id"?: string;
};

/** A user who is logged in. */
export type GuestUser = {
  user: string;
  /** The domain of a user of a Windows guest. */
  domain?: string;
  /** Seconds since the epoch. */
  "login-time": number;
};
