// Opens connections of one kind, prints the bytes of memory that each takes, and
// exits: `idle.ts raw|session COUNT PATH`.
import { AsyncProtocol, type Codec, jsonLines, unix } from "../mod.ts";
import { commandLine } from "../examples/support/command_line.ts";

const [kind, count, path = ""] = commandLine("KIND COUNT PATH");
const { gc } = globalThis as unknown as { gc(): void };
const transport = unix({ path });
const open: unknown[] = [];

class Idle extends AsyncProtocol<unknown> {
  protected override createCodec(): Codec<unknown> {
    return jsonLines();
  }
}

/** A raw connection with a pending read, as a session has. */
async function openRaw(): Promise<void> {
  const conn = await connect();
  const buffer = new Uint8Array(4 * 1024);
  open.push(conn, buffer, conn.read(buffer));
}

async function connect(): Promise<Deno.Conn> {
  for (;;) {
    try {
      return await Deno.connect({ transport: "unix", path });
    } catch (error) {
      // The listener's queue is full for the moment.
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
    }
  }
}

async function openSession(): Promise<void> {
  const idle = new Idle();
  await idle.connect(transport);
  open.push(idle);
}

const before = Deno.memoryUsage().rss;
for (let left = Number(count); left > 0; left--) {
  await (kind === "raw" ? openRaw() : openSession());
}
gc();
gc();
console.log(Math.round((Deno.memoryUsage().rss - before) / Number(count)));
Deno.exit();
