import { type EnumInfo, valuesOf } from "./schema_info.ts";

/**
 * The names of enumerations in QEMU's documentation, each with values that only
 * this one has together. A server's schema has the values, not the names.
 */
const KNOWN: Readonly<Record<string, string>> = {
  ActionCompletionMode: "individual grouped",
  BitmapSyncMode: "on-success never",
  BlkdebugEvent: "l1_update l2_load",
  BlkdebugIOType: "write-zeroes block-status",
  BlockDeviceIoStatus: "ok nospace",
  BlockExportRemoveMode: "safe hard",
  BlockExportType: "nbd vhost-user-blk",
  BlockdevAioOptions: "threads native",
  BlockdevDetectZeroesOptions: "on off unmap",
  BlockdevDiscardOptions: "ignore unmap",
  BlockdevDriver: "null-co raw",
  BlockdevOnError: "report enospc",
  COLOExitReason: "request processing",
  ChardevBackendKind: "ringbuf socket",
  CpuModelExpansionType: "static full",
  DataFormat: "utf8 base64",
  DirtyRateMeasureMode: "page-sampling dirty-ring",
  DirtyRateStatus: "unstarted measuring",
  DisplayType: "gtk sdl",
  DumpGuestMemoryFormat: "elf kdump-zlib",
  GuestPanicAction: "pause poweroff run",
  HostMemPolicy: "bind interleave",
  InputButton: "left wheel-up",
  JSONType: "boolean value",
  JobStatus: "pending concluded",
  JobType: "commit backup",
  MemoryFailureAction: "inject fatal",
  MemoryFailureRecipient: "hypervisor guest",
  MigrationCapability: "xbzrle postcopy-ram",
  MigrationStatus: "setup postcopy-active",
  MirrorCopyMode: "background write-blocking",
  MirrorSyncMode: "top incremental",
  NetClientDriver: "hubport tap",
  NetFilterDirection: "rx tx",
  NetworkAddressFamily: "ipv4 ipv6",
  NewImageMode: "existing absolute-paths",
  ObjectType: "iothread secret",
  OnCbwError: "break-guest-write break-snapshot",
  PreallocMode: "metadata falloc",
  QCryptoCipherMode: "ecb cbc",
  QKeyCode: "shift shift_r",
  QMPCapability: "oob",
  Qcow2OverlapCheckMode: "constant cached",
  ReplayMode: "record play",
  RunState: "inmigrate prelaunch",
  SchemaMetaType: "builtin alternate",
  SetPasswordAction: "keep disconnect",
  SevState: "launch-update launch-secret",
  ShutdownCause: "host-qmp-quit guest-shutdown",
  SocketAddressType: "inet fd",
  StatsTarget: "vm vcpu",
  StatsType: "cumulative instant",
  StatsUnit: "bytes cycles",
  SysEmuTarget: "aarch64 x86_64",
  TpmModel: "tpm-tis tpm-crb",
  TpmType: "passthrough emulator",
  TraceEventState: "unavailable disabled",
  TransactionActionKind: "abort block-dirty-bitmap-add",
  VncPrimaryAuth: "vnc ra2ne",
  VncVencryptSubAuth: "tls-vnc x509-vnc",
  WatchdogAction: "reset inject-nmi",
};

/** The known enumerations, by the first of their values. */
const BY_FIRST_VALUE = Map.groupBy(
  Object.entries(KNOWN).map(([name, values]) => ({
    name,
    values: values.split(" "),
  })),
  ({ values }) => values[0],
);

/** The documented name of an enumeration, if it is known. */
export function documentedName(info: EnumInfo): string | undefined {
  const values = new Set(valuesOf(info));
  for (const value of values) {
    const known = BY_FIRST_VALUE.get(value)?.find(({ values: all }) =>
      all.every((one) => values.has(one))
    );
    if (known) return known.name;
  }
  return undefined;
}
