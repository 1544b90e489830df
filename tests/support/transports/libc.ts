/**
 * Functions of Linux that Deno does not have: a socket that is bound and does not
 * listen, and another user.
 */
const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC = 0o2000001;
const NOBODY = 65_534;

/** A stream socket that is bound to a path, and does not listen yet. */
export class BoundSocket implements Disposable {
  readonly #libc = Deno.dlopen("libc.so.6", {
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
    bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
    listen: { parameters: ["i32", "i32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  });
  readonly #fd: number;

  constructor(path: string) {
    const { socket, bind } = this.#libc.symbols;
    this.#fd = check(socket(AF_UNIX, SOCK_STREAM_CLOEXEC, 0));
    const address = new Uint8Array(110);
    new Uint16Array(address.buffer)[0] = AF_UNIX;
    address.set(new TextEncoder().encode(path), 2);
    check(bind(this.#fd, address, address.length));
  }

  listen(): void {
    check(this.#libc.symbols.listen(this.#fd, 1));
  }

  [Symbol.dispose](): void {
    check(this.#libc.symbols.close(this.#fd));
    this.#libc.close();
  }
}

/** Makes this process run as the user `nobody`, if it runs as root. */
export function becomeNobody(): void {
  if (Deno.uid() !== 0) return;
  const { symbols } = Deno.dlopen("libc.so.6", {
    setgroups: { parameters: ["usize", "pointer"], result: "i32" },
    setgid: { parameters: ["u32"], result: "i32" },
    setuid: { parameters: ["u32"], result: "i32" },
  });
  check(symbols.setgroups(0n, null));
  check(symbols.setgid(NOBODY));
  check(symbols.setuid(NOBODY));
}

function check(result: number): number {
  if (result < 0) throw new Error("The system has refused a call");
  return result;
}
