/**
 * The arguments for a control socket that the program connects to. QEMU 7.2 to
 * 11 take them without a warning; `-mon` is deprecated in QEMU 11.
 */
export function monitorArgs(program: string, path: string): string[] {
  const escaped = path.replaceAll(",", ",,");
  return program.endsWith("qemu-storage-daemon")
    ? [
      ...["--chardev", `socket,id=parley,path=${escaped}`],
      ...["--monitor", "chardev=parley"],
    ]
    : ["-qmp", `unix:${escaped}`];
}
