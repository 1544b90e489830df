import {
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import {
  AsyncProtocol,
  type Codec,
  ConnectError,
  delimited,
  ProtocolError,
  serve,
  text,
} from "../../protocol/mod.ts";
import { acceptTls, startTls, tcp } from "../../transports/mod.ts";
import { certificates } from "../support/transports/certificates.ts";
import { Openssl } from "../support/transports/openssl.ts";

const authority = await certificates();

/** The start of an SMTP server (RFC 5321, RFC 3207), which then echoes. */
class SmtpServer extends AsyncProtocol<string> {
  protected override createCodec(): Codec<string> {
    return text(delimited("\r\n"));
  }
  protected override async negotiate(signal: AbortSignal): Promise<void> {
    this.send("220 mail.example.com");
    assertStringIncludes(await this.receive(), "EHLO");
    this.send("250-mail.example.com");
    this.send("250 STARTTLS");
    assertEquals(await this.receive(), "STARTTLS");
    this.send("220 go ahead");
    await this.upgrade((connection) =>
      acceptTls(connection, { ...authority.server, signal })
    );
  }
  protected override async onMessage(line: string): Promise<void> {
    await this.send(`250 ${line}`);
    if (line === "QUIT") this.disconnect();
  }
}

class SmtpClient extends AsyncProtocol<string> {
  readonly answer = Promise.withResolvers<string>();
  protected override createCodec(): Codec<string> {
    return text(delimited("\r\n"));
  }
  protected override async negotiate(signal: AbortSignal): Promise<void> {
    await this.receive();
    this.send("EHLO client.example.com");
    while ((await this.receive()).startsWith("250-"));
    this.send("STARTTLS");
    assertEquals(await this.receive(), "220 go ahead");
    const options = { caCerts: [authority.ca], serverName: "localhost" };
    await this.upgrade((connection) =>
      startTls(connection, { ...options, signal })
    );
  }
  override send(line: string): Promise<void> {
    return super.send(line);
  }
  protected override onMessage(line: string): void {
    this.answer.resolve(line);
  }
}

async function smtp() {
  const listener = await tcp({ port: 0 }).listen();
  const errors: unknown[] = [];
  const server = serve(listener, () => new SmtpServer(), {
    onError: (error) => errors.push(error),
  });
  const { port } = listener.address as Deno.NetAddr;
  return {
    port,
    errors,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("a session goes on over TLS after STARTTLS", async () => {
  await using server = await smtp();
  const client = new SmtpClient();
  await client.connect(tcp({ port: server.port }));
  await client.send("NOOP");
  assertEquals(await client.answer.promise, "250 NOOP");
  await client.disconnect();
  assertEquals(server.errors, []);
});

Deno.test("openssl goes on over TLS after STARTTLS", async () => {
  await using server = await smtp();
  await using openssl = await Openssl.start([
    ...["s_client", "-connect", `127.0.0.1:${server.port}`],
    ...["-starttls", "smtp", "-CAfile", "ca.pem", "-quiet"],
    ...["-verify_return_error", "-no_ign_eof", "-crlf"],
  ], { "ca.pem": authority.ca });
  await openssl.write("NOOP\nQUIT\n");
  assertStringIncludes((await openssl.outcome()).said, "250 NOOP");
  assertEquals(server.errors, []);
});

Deno.test("commands that are injected behind STARTTLS are refused, and not answered", async () => {
  await using server = await smtp();
  const connection = await tcp({ port: server.port }).connect();
  await connection.write(
    new TextEncoder().encode("EHLO x\r\nSTARTTLS\r\nRSET\r\n"),
  );
  let text = "";
  const space = new Uint8Array(1024);
  const read = async () => {
    for (;;) {
      const count = await connection.read(space);
      if (count === null) return;
      text += new TextDecoder().decode(space.subarray(0, count));
    }
  };
  await read().catch(() => {});
  assertEquals(text.includes("250 RSET"), false);
  connection.abort();
  while (server.errors.length === 0) {
    await new Promise((resolve) => setTimeout(resolve));
  }
  const [error] = server.errors;
  assertInstanceOf(error, ConnectError);
  assertInstanceOf(error.cause, ProtocolError);
});
