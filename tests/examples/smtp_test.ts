import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
} from "@std/assert";
import {
  type Mail,
  SmtpClient,
  SmtpError,
  type SmtpOptions,
} from "../../examples/smtp/client.ts";
import { type Reply, smtp } from "../../examples/smtp/codec.ts";
import {
  CallInterruptedError,
  type CodecOptions,
  type CodecOutput,
  ConnectError,
  DecodeError,
  ProtocolError,
  ReadBuffer,
  reconnecting,
  StateError,
  tcp,
  type Transport,
  TruncatedMessageError,
} from "../../mod.ts";
import {
  faulty,
  scriptedPeer,
  type ScriptStep,
  testCodec,
} from "../../testing/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { certificates } from "../support/certificates.ts";
import { freePort } from "../support/free_port.ts";
import { runDeno } from "../support/program.ts";
import { needs, RealProcess } from "../support/real_process.ts";

const server = needs("aiosmtpd");

interface Smtp extends AsyncDisposable {
  process: RealProcess;
  port: number;
  transport: Transport;
  /** The mails that have arrived, in the order of their subjects. */
  mails(): Promise<string[]>;
}

/** Starts a server that keeps what it gets; it requires TLS if it has it. */
async function startSmtp(
  { port = freePort(), tls = false } = {},
): Promise<Smtp> {
  const process = await RealProcess.start({
    program: "aiosmtpd",
    args: async (folder) => {
      const { server } = await certificates();
      await Deno.writeTextFile(`${folder}/cert.pem`, server.cert);
      await Deno.writeTextFile(`${folder}/key.pem`, server.key);
      // Started as root, it becomes nobody, and must write there.
      await Deno.chmod(folder, 0o777);
      for (const part of ["", "new", "cur", "tmp"]) {
        await Deno.mkdir(`${folder}/mails/${part}`);
        await Deno.chmod(`${folder}/mails/${part}`, 0o777);
      }
      const files = ["--tlscert", `${folder}/cert.pem`];
      files.push("--tlskey", `${folder}/key.pem`);
      return [
        ...["-d", "-d", "-u", "-l", `127.0.0.1:${port}`],
        ...(Deno.uid() === 0 ? [] : ["--nosetuid"]),
        ...(tls ? files : []),
        ...["-c", "aiosmtpd.handlers.Mailbox", `${folder}/mails`],
      ];
    },
    ready: /Starting asyncio loop/,
  });
  await process.ready();
  return {
    process,
    port,
    transport: tcp({ hostname: "127.0.0.1", port }),
    async mails() {
      const folder = `${process.folder}/mails/new`;
      const mails = [];
      for await (const { name } of Deno.readDir(folder)) {
        mails.push(await Deno.readTextFile(`${folder}/${name}`));
      }
      const subject = (mail: string) => /^Subject: .*/m.exec(mail)?.[0] ?? "";
      return mails.sort((a, b) => subject(a) < subject(b) ? -1 : 1);
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

async function connected(
  transport: Transport,
  options: SmtpOptions = {},
): Promise<SmtpClient> {
  const client = new SmtpClient({ timeout: 10_000, ...options });
  await client.connect(transport, { signal: AbortSignal.timeout(10_000) });
  return client;
}

const mail = (subject: string, body: string, rest: Partial<Mail> = {}) => ({
  from: "ann@example.com",
  to: ["bob@example.com"],
  content: `Subject: ${subject}\n\n${body}`,
  ...rest,
});

/** The codec of the client, which here encodes what a server sends, too. */
function bothWays(options: CodecOptions) {
  const codec = smtp(options);
  return {
    decode: codec.decode.bind(codec),
    end: codec.end?.bind(codec),
    encode({ code, lines }: Reply, output: CodecOutput) {
      for (const [i, line] of lines.entries()) {
        output.text(`${code}${i < lines.length - 1 ? "-" : " "}${line}\r\n`);
      }
    },
  };
}

testCodec<Reply>("smtp()", bothWays as never, {
  "replies of one line and of several": {
    input: "220 mail ready\r\n250-mail\r\n250-SIZE 100\r\n250 HELP\r\n354 \r\n",
    messages: [
      { code: 220, lines: ["mail ready"] },
      { code: 250, lines: ["mail", "SIZE 100", "HELP"] },
      { code: 354, lines: [""] },
    ],
  },
  "up to a line without a code": {
    input: "220 mail\r\nHTTP/1.1 400\r\n",
    messages: [{ code: 220, lines: ["mail"] }],
    error: { class: DecodeError, has: { offset: 10 } },
  },
  "up to the end within a reply of several lines": {
    input: "250-mail\r\n",
    messages: [],
    error: { class: TruncatedMessageError, has: { offset: 0, length: 10 } },
  },
  "up to the end within a line": {
    input: "250-mail\r\n250 x",
    messages: [],
    error: { class: TruncatedMessageError, has: { offset: 0, length: 15 } },
  },
}, {
  sized: (bytes) => ({
    code: 250,
    lines: Array.from({ length: Math.ceil(bytes / 50) }, () => "x".repeat(50)),
  }),
});

Deno.test("smtp() takes a code without a text for a reply", () => {
  assertEquals(decodeAll("250\r\n"), [{ code: 250, lines: [""] }]);
});

function decodeAll(text: string): Reply[] {
  const codec = smtp();
  const input = new ReadBuffer();
  input.append(new TextEncoder().encode(text));
  const replies = [];
  for (let reply; (reply = codec.decode(input));) replies.push(reply);
  return replies;
}

Deno.test({
  name:
    "SMTP: dots and line ends arrive as they are meant, and nothing in a mail is a command",
  ...server,
  fn: async () => {
    await using smtp = await startSmtp();
    await using client = await connected(smtp.transport);
    const bodies = [
      ".\n..\n.dot\nend",
      "a\r\n.\r\nMAIL FROM:<eve@example.com>\r\nb\r\n",
      "a\n.\nRCPT TO:<eve@example.com>\nb\n",
      "a\r.\rDATA\rb\n.\n.\n",
      "grüße\n",
    ];
    for (const [i, body] of bodies.entries()) {
      await client.deliver(mail(`${i}`, body));
    }
    const arrived = (await smtp.mails()).map((text) =>
      text.slice(text.indexOf("\n\n") + 2)
    );
    const meant = bodies.map((body) =>
      body.replace(/\r\n|\r/g, "\n").replace(/\n?$/, "\n")
    );
    assertEquals(arrived, meant);
  },
});

for (const pipelining of [false, true]) {
  Deno.test({
    name: `SMTP: deliveries that are asked for at once follow each other, ${
      pipelining ? "pipelined" : "one command at a time"
    }`,
    ...server,
    fn: async () => {
      await using smtp = await startSmtp();
      await using client = await connected(smtp.transport, { pipelining });
      assert(client.extensions.has("8BITMIME"));
      const to = ["bob", "cat", "dan"].map((name) => `${name}@example.com`);
      const deliveries = Array.from(
        { length: 5 },
        (_, i) => client.deliver(mail(`${i}`, `mail ${i}\n`, { to })),
      );
      for (const { reply, refused } of await Promise.all(deliveries)) {
        assertMatch(reply, /OK/);
        assertEquals(refused.size, 0);
      }
      const mails = await smtp.mails();
      assertEquals(mails.length, 5);
      for (const [i, text] of mails.entries()) {
        assertMatch(text, new RegExp(`^mail ${i}$`, "m"));
        assertMatch(text, /^X-RcptTo: bob@.*, cat@.*, dan@/m);
      }
    },
  });
}

Deno.test({
  name: "SMTP: STARTTLS with a verified certificate, where tls requires it",
  ...server,
  fn: async () => {
    const { ca } = await certificates();
    const tls = { caCerts: [ca] };
    await using smtp = await startSmtp({ tls: true });
    await using client = await connected(smtp.transport, { tls });
    await client.deliver(mail("secret", "whisper\n"));
    assertEquals((await smtp.mails()).length, 1);
    assertEquals(client.extensions.has("STARTTLS"), false);

    // The server delivers nothing without TLS, and its certificate is not trusted.
    await using open = await connected(smtp.transport);
    const refusal = await rejection(open.deliver(mail("open", "shout\n")));
    assertInstanceOf(refusal, SmtpError);
    assertMatch(refusal.message, /530 .*STARTTLS/);
    const error = await rejection(connected(smtp.transport, { tls: {} }));
    assertInstanceOf(error, ConnectError);
    assertMatch(`${error.cause}`, /certificate/i);

    await using plain = await startSmtp();
    const lacking = await rejection(connected(plain.transport, { tls }));
    assertInstanceOf(lacking, ConnectError);
    assertInstanceOf(lacking.cause, ProtocolError);
    assertMatch(lacking.cause.message, /Server has no STARTTLS/);
  },
});

const HELLO: ScriptStep[] = [
  { send: "220 mail\r\n" },
  { expect: "EHLO localhost\r\n" },
];

Deno.test("SMTP: a reply that comes with the answer to STARTTLS is not taken for one over TLS", async () => {
  const peer = scriptedPeer([
    ...HELLO,
    { send: "250-mail\r\n250 STARTTLS\r\n" },
    { expect: "STARTTLS\r\n" },
    { send: "220 go\r\n250 AUTH PLAIN\r\n" },
  ]);
  await using client = new SmtpClient({ tls: { serverName: "localhost" } });
  const error = await rejection(client.connect(peer.connection));
  assertInstanceOf(error, ConnectError);
  assertInstanceOf(error.cause, ProtocolError);
  assertMatch(error.cause.message, /16 bytes came before it/);
  await peer.done.catch(() => {}); // The client has cut the connection.
});

Deno.test("SMTP: what is pipelined goes out together, and refused recipients are told apart", async () => {
  await using peer = scriptedPeer([
    ...HELLO,
    { send: "250-mail\r\n250 PIPELINING\r\n" },
    {
      expect: "MAIL FROM:<ann@example.com>\r\nRCPT TO:<bob@x>\r\n" +
        "RCPT TO:<cat@x>\r\nDATA\r\n",
    },
    { send: "250 ok\r\n550 no Bob\r\n250 ok\r\n354 go\r\n" },
    { expect: "Subject: hi\r\n\r\nhello\r\n.\r\n" },
    { send: "250 taken\r\n" },
    // No recipient is left, and yet the server asks for the content.
    {
      expect: "MAIL FROM:<ann@example.com>\r\nRCPT TO:<bob@x>\r\nDATA\r\n",
    },
    { send: "250 ok\r\n550 no Bob\r\n354 go\r\n" },
    { expect: ".\r\n" },
    { send: "554 no recipients\r\n" },
    { expect: "MAIL FROM:<ann@example.com>\r\nRCPT TO:<bob@x>\r\nDATA\r\n" },
    { send: "451 later\r\n503 no\r\n503 no\r\n" },
    { expect: "RSET\r\n" },
    { send: "250 ok\r\n" },
    { expect: "QUIT\r\n" },
    "expect end",
  ]);
  await using client = new SmtpClient();
  await client.connect(peer.connection);
  const to = ["bob@x", "cat@x"];
  const { reply, refused } = await client.deliver(mail("hi", "hello", { to }));
  assertEquals(reply, "taken");
  assertEquals([...refused.keys()], ["bob@x"]);
  assertEquals(refused.get("bob@x")?.code, 550);
  const toBob = mail("hi", "hello", { to: ["bob@x"] });
  await assertRejects(
    () => client.deliver(toBob),
    SmtpError,
    "RCPT bob@x: the server replied 550 no Bob",
  );
  await assertRejects(
    () => client.deliver(toBob),
    SmtpError,
    "MAIL: the server replied 451 later",
  );
  await client.disconnect();
  await peer.done;
});

Deno.test("SMTP: mails that cannot be delivered safely are refused before anything is sent", async () => {
  await using peer = scriptedPeer([
    ...HELLO,
    { send: "250 mail\r\n" },
    { expect: "QUIT\r\n" },
    "expect end",
  ]);
  await using client = new SmtpClient();
  await client.connect(peer.connection);
  for (
    const [wrong, message] of [
      [{ to: [] }, "to is empty"],
      [{ to: ["bob@x>\r\nRSET\r\n"] }, "address is"],
      [{ from: "ann@x> SIZE=1" }, "address is"],
      [{ content: "grüße" }, "the server has no 8BITMIME"],
      [{ from: "änn@example.com" }, "address is"],
    ] as const
  ) {
    await assertRejects(
      () => client.deliver(mail("hi", "hello", wrong)),
      TypeError,
      message,
    );
  }
  await client.disconnect();
  await peer.done;
});

Deno.test("SMTP: an error tells whether a mail may have been delivered", async () => {
  for (const late of [false, true]) {
    const content: ScriptStep[] = late
      ? [
        { send: "354 go\r\n" },
        { expect: "Subject: hi\r\n\r\nhello\r\n.\r\n" },
      ]
      : [];
    await using peer = scriptedPeer([
      ...HELLO,
      { send: "250 PIPELINING\r\n" },
      { expect: "MAIL FROM:<ann@example.com>\r\n" },
      { send: "250 ok\r\n" },
      { expect: "RCPT TO:<bob@example.com>\r\n" },
      { send: "250 ok\r\n" },
      { expect: "DATA\r\n" },
      ...content,
      "reset",
    ]);
    await using stack = new AsyncDisposableStack();
    const client = new SmtpClient();
    stack.defer(() => client.disconnect().catch(() => {}));
    await client.connect(peer.connection);
    const error = await rejection(client.deliver(mail("hi", "hello")));
    assertInstanceOf(error, CallInterruptedError);
    const method = late ? "content" : "DATA";
    assertEquals([error.method, error.sent], [method, late]);
  }
});

Deno.test("SMTP: a delivery that is given up in the middle ends the session, one that waits does not", async () => {
  await using peer = scriptedPeer([
    ...HELLO,
    { send: "250 mail\r\n" },
    { expect: "MAIL FROM:<ann@example.com>\r\n" },
    "expect end",
  ]);
  await using stack = new AsyncDisposableStack();
  const client = new SmtpClient();
  stack.defer(() => client.disconnect().catch(() => {}));
  await client.connect(peer.connection);
  const [first, second] = [new AbortController(), new AbortController()];
  const { signal } = first;
  const running = rejection(client.deliver(mail("1", "x"), { signal }));
  const waiting = rejection(
    client.deliver(mail("2", "x"), { signal: second.signal }),
  );
  second.abort(new Error("not needed"));
  assertEquals(await waiting, second.signal.reason);
  assertEquals(client.runstate, "running");
  first.abort(new Error("changed my mind"));
  assertEquals(await running, signal.reason);
  await client.closed.catch(() => {});
  assertEquals(client.signal.reason, signal.reason);
  await peer.done;
});

Deno.test({
  name: "SMTP: a session with splits and delays",
  ...server,
  fn: async () => {
    await using smtp = await startSmtp();
    const plan = { seed: 5, faults: ["split", "delay"], every: 20 } as const;
    const transport = faulty(smtp.transport, plan);
    await using client = await connected(transport, { pipelining: true });
    for (let n = 0; n < 10; n++) {
      await client.deliver(mail(`${n}`, ".\n".repeat(n)));
    }
    assertEquals((await smtp.mails()).length, 10);
  },
});

Deno.test({
  name:
    "SMTP: killed in the middle of a delivery, which can be repeated with the next server",
  ...server,
  fn: async () => {
    await using first = await startSmtp();
    const client = new SmtpClient();
    await using connection = reconnecting(client, first.transport, {
      initialDelay: 10,
      maxDelay: 50,
    });
    await connection.connected();
    first.process.kill("SIGSTOP"); // it answers nothing any more
    const pending = rejection(client.deliver(mail("1", "x")));
    const waiting = rejection(client.deliver(mail("2", "x")));
    const lost = client.runstateChanged();
    first.process.kill("SIGKILL");
    const error = await pending;
    assertInstanceOf(error, CallInterruptedError);
    assertEquals([error.method, error.sent], ["MAIL", false]);
    const later = await waiting;
    assertInstanceOf(later, CallInterruptedError);
    assertEquals([later.sent, later.cause], [false, error.cause]);
    const refused = await rejection(client.deliver(mail("3", "x")));
    assertInstanceOf(refused, StateError);
    await lost;

    await using second = await startSmtp({ port: first.port });
    await connection.connected({ signal: AbortSignal.timeout(10_000) });
    await client.deliver(mail("1", "x"));
    assertEquals((await second.mails()).length, 1);
  },
});

Deno.test({
  name: "examples/smtp/main.ts runs",
  ...server,
  fn: async () => {
    await using smtp = await startSmtp();
    const { code, stdout, stderr } = await runDeno([
      ...["run", "--no-prompt", "--allow-net", "examples/smtp/main.ts"],
      ...[`${smtp.transport}`, "ann@example.com", "bob@example.com"],
    ]);
    assertEquals([code, stderr], [0, ""]);
    assertMatch(stdout, /OK/);
    const [arrived = ""] = await smtp.mails();
    assertMatch(arrived, /^How are you\?\n\.\nAnn$/m);
  },
});
