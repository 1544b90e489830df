import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
} from "@std/assert";
import {
  SmtpClient,
  SmtpError,
  type SmtpOptions,
} from "../../examples/smtp/client.ts";
import {
  CallInterruptedError,
  ConnectError,
  ProtocolError,
  reconnecting,
  StateError,
  tcp,
  type Transport,
} from "../../mod.ts";
import { faulty } from "../../testing/mod.ts";
import { mail } from "../support/examples/mail.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { certificates } from "../support/transports/certificates.ts";
import { freePort } from "../support/servers/free_port.ts";
import { runDeno } from "../support/program.ts";
import { needs } from "../support/servers/real_process.ts";
import {
  type RealServer,
  startServer,
} from "../support/servers/real_server.ts";

const server = needs("aiosmtpd");

interface Smtp extends RealServer {
  port: number;
  /** The mails that have arrived, in the order of their subjects. */
  mails(): Promise<string[]>;
}

/** Starts a server that keeps what it gets; it requires TLS if it has it. */
async function startSmtp(
  { port = freePort(), tls = false } = {},
): Promise<Smtp> {
  const server = await startServer({
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
  }, async (process) => {
    await process.ready();
    return tcp({ port });
  });
  return {
    ...server,
    port,
    async mails() {
      const folder = `${server.process.folder}/mails/new`;
      const mails = [];
      for await (const { name } of Deno.readDir(folder)) {
        mails.push(await Deno.readTextFile(`${folder}/${name}`));
      }
      const subject = (mail: string) => /^Subject: .*/m.exec(mail)?.[0] ?? "";
      return mails.sort((a, b) => subject(a) < subject(b) ? -1 : 1);
    },
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
    const method = "MAIL FROM:<ann@example.com>";
    assertEquals([error.method, error.sent], [method, false]);
    const later = await waiting;
    assertInstanceOf(later, StateError);
    assertEquals(later.cause, error.cause);
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
