import {
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { SmtpClient, SmtpError } from "../../examples/smtp/client.ts";
import {
  CallInterruptedError,
  ConnectError,
  memory,
  ProtocolError,
  reconnecting,
} from "../../mod.ts";
import { scriptedPeer, type ScriptStep } from "../../testing/mod.ts";
import { mail } from "../support/examples/mail.ts";
import { rejection } from "../../testing/_util/rejection.ts";

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

Deno.test("SMTP: a client name that cannot be sent is the cause, at once", async () => {
  const peer = scriptedPeer(HELLO);
  const client = new SmtpClient({ clientName: "me\r\nQUIT" });
  const error = await rejection(client.connect(peer.connection));
  assertInstanceOf(error, ConnectError);
  assertInstanceOf(error.cause, TypeError);
  await peer.done.catch(() => {}); // The client has cut the connection.
});

Deno.test("SMTP: a server that is busy is asked again, one that refuses is not", async () => {
  const transport = memory();
  await using listener = await transport.listen();
  await using connection = reconnecting(new SmtpClient(), transport, {
    initialDelay: 0,
  });
  for (const greeting of ["421 busy\r\n", "554 no service\r\n"]) {
    const peer = await listener.accept();
    await peer.write(new TextEncoder().encode(greeting));
    await peer.close();
  }
  const signal = AbortSignal.timeout(10_000);
  const error = await rejection(connection.connected({ signal }));
  assertInstanceOf(error, ConnectError);
  assertInstanceOf(error.cause, SmtpError);
  assertEquals(error.cause.code, 554);
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
      expect:
        "MAIL FROM:<ann@example.com>\r\nRCPT TO:<bob@x>\r\nRCPT TO:<bob@x>\r\nDATA\r\n",
    },
    { send: "250 ok\r\n550 no Bob\r\n550 no Bob\r\n354 go\r\n" },
    { expect: ".\r\n" },
    { send: "554 no recipients\r\n" },
    {
      expect:
        "MAIL FROM:<ann@example.com>\r\nRCPT TO:<bob@x>\r\nRCPT TO:<bob@x>\r\nDATA\r\n",
    },
    { send: "451 later\r\n503 no\r\n503 no\r\n503 no\r\n" },
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
  const toBob = mail("hi", "hello", { to: ["bob@x", "bob@x"] });
  await assertRejects(
    () => client.deliver(toBob),
    SmtpError,
    "RCPT TO:<bob@x>: the server replied 550 no Bob",
  );
  await assertRejects(
    () => client.deliver(toBob),
    SmtpError,
    "MAIL FROM:<ann@example.com>: the server replied 451 later",
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

Deno.test("SMTP: a server that shuts down in a delivery says why", async () => {
  const peer = scriptedPeer([
    ...HELLO,
    { send: "250-mail\r\n250 PIPELINING\r\n" },
    {
      expect:
        "MAIL FROM:<ann@example.com>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n",
    },
    { send: "421 the disk is full\r\n" },
    "half-close",
  ]);
  await using stack = new AsyncDisposableStack();
  const client = new SmtpClient();
  stack.defer(() => client.disconnect().catch(() => {}));
  await client.connect(peer.connection);
  const error = await rejection(client.deliver(mail("hi", "hello")));
  assertInstanceOf(error, CallInterruptedError);
  assertEquals(error.sent, false);
  assertInstanceOf(error.cause, SmtpError);
  assertMatch(error.cause.message, /replied 421 the disk is full/);
  await peer.done.catch(() => {}); // The client has cut the connection.
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
