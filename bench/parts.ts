import { type Raw, writeAll } from "./raw.ts";

/** The far end's work on a connection. */
export type Part =
  | "echo"
  | "lines"
  | "sink"
  | "frames"
  | "jsonrpc"
  | "calls"
  | "birpc";

/** The value of a JSON line that has 80 bytes, the newline included. */
export const event = {
  event: "BLOCK_JOB_COMPLETED",
  data: { device: "drive0-top", offset: 1234567 },
};
export const line = `${JSON.stringify(event)}\n`;

export const FRAME_BYTES = 1024 * 1024;

/** What a request of JSON-RPC has, and its answer in the same place. */
const ECHO = '"method":"echo","params":';
const RESULT = '"result":';
const SHORTER = ECHO.length - RESULT.length;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The parts of the far end, over the raw operations. Every side uses them. */
export const parts: Record<Part, (raw: Raw) => Promise<void>> = {
  async echo(raw) {
    const buffer = new Uint8Array(64 * 1024);
    for (;;) {
      const count = await raw.read(buffer);
      if (count === null) return;
      await writeAll(raw, buffer.subarray(0, count));
    }
  },

  async lines(raw) {
    const block = encoder.encode(line.repeat(800));
    let left = line.length * await askedCount(raw);
    for (; left > 0; left -= block.length) {
      await writeAll(raw, block.subarray(0, left));
    }
    await untilEnd(raw);
  },

  async sink(raw) {
    await untilEnd(raw);
  },

  async frames(raw) {
    const frame = new Uint8Array(4 + FRAME_BYTES);
    new DataView(frame.buffer).setUint32(0, FRAME_BYTES);
    for (let left = await askedCount(raw); left > 0; left--) {
      await writeAll(raw, frame);
    }
    await untilEnd(raw);
  },

  /**
   * Answers requests of JSON-RPC 2.0 behind headers, as vscode-jsonrpc sends them.
   * Requests become answers without being parsed: the near end is what is measured.
   */
  async jsonrpc(raw) {
    let rest = "";
    await eachChunk(raw, (chunk) => {
      const text = rest + chunk;
      const end = endOfFrames(text);
      rest = text.slice(end);
      return text.slice(0, end)
        .replaceAll(ECHO, RESULT)
        .replace(
          /(?<=Content-Length: )\d+/g,
          (length) => `${+length - SHORTER}`,
        );
    });
  },

  /** The same for requests of a line each, as in MCP. */
  async calls(raw) {
    let rest = "";
    await eachChunk(raw, (chunk) => {
      const text = rest + chunk;
      const end = text.lastIndexOf("\n") + 1;
      rest = text.slice(end);
      const answers = text.slice(0, end)
        .replaceAll(ECHO, RESULT)
        .replaceAll('"method":"ping"', '"result":{}');
      return answers.includes('"method":')
        ? answers.replace(/^.*"method":.*\n/gm, answerMcp)
        : answers;
    });
  },

  /** Answers the requests of birpc, a JSON line each. */
  async birpc(raw) {
    let text = "";
    await eachChunk(raw, (chunk) => {
      const requests = (text + chunk).split("\n");
      text = requests.pop() ?? "";
      return requests.map((request) => {
        const { i, a } = JSON.parse(request);
        return `${JSON.stringify({ t: "s", i, r: a[0] })}\n`;
      }).join("");
    });
  },
};

/** Where the last whole frame with a Content-Length ends. */
function endOfFrames(text: string): number {
  const last = text.lastIndexOf("Content-Length: ");
  const start = text.indexOf("\r\n\r\n", last) + 4;
  const length = parseInt(text.slice(last + "Content-Length: ".length), 10);
  const isWhole = start >= 4 && text.length >= start + length;
  return isWhole ? start + length : Math.max(0, last);
}

/** Answers the handshake of MCP, which ends with a notification. */
function answerMcp(line: string): string {
  const { id, params } = JSON.parse(line);
  if (id === undefined) return "";
  const serverInfo = { name: "far", version: "1" };
  const result = { ...params, serverInfo };
  return `${JSON.stringify({ jsonrpc: "2.0", id, result })}\n`;
}

/** The number in the near end's first bytes, whatever their framing. */
async function askedCount(raw: Raw): Promise<number> {
  const buffer = new Uint8Array(100);
  const count = await raw.read(buffer) ?? 0;
  return Number(/\d+/.exec(decoder.decode(buffer.subarray(0, count)))?.[0]);
}

async function untilEnd(raw: Raw): Promise<void> {
  const buffer = new Uint8Array(256 * 1024);
  while (await raw.read(buffer) !== null);
}

async function eachChunk(
  raw: Raw,
  answer: (text: string) => string,
): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (;;) {
    const count = await raw.read(buffer);
    if (count === null) return;
    const answers = answer(decoder.decode(buffer.subarray(0, count)));
    await writeAll(raw, encoder.encode(answers));
  }
}
