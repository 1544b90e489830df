import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { MessageTooLargeError, ProtocolError } from "../../protocol/mod.ts";
import { logged, textOf } from "../support/protocol/logged.ts";
import type { Message } from "../support/qmp/qmp_script.ts";
import {
  agreedSession,
  agreeOn,
  rawSession,
} from "../support/qmp/raw_qmp_session.ts";

const QUERY = '{"execute":"query-version","id":1}';

/** Whether a message is the answer to the query. */
function isAnswer(message: Message | undefined): boolean {
  return message?.id === 1 && "return" in message;
}

const halves = ["", '{"execute":"que', '{"execute":', "[[{'a':'", '{"a":[1,'];
for (const reset of ["\xff", "\x01", "@"]) {
  const shown = JSON.stringify(reset);
  Deno.test(`half an object, then ${shown}: an error, and the valid commands behind it are answered`, async () => {
    for (const half of halves) {
      // Within a string, "@" is a normal character.
      if (reset === "@" && /["'](que)?$/.test(half)) continue;
      await using both = await agreedSession();
      const { client } = both;
      const bytes = Uint8Array.from(half + reset, (c) => c.charCodeAt(0));
      await client.write(bytes);
      await client.write(`${QUERY}\n${QUERY}`);
      const [error, ...answers] = await client.take(3);
      assert(error && "error" in error && !("id" in error), half);
      assertEquals(answers.map(isAnswer), [true, true]);
    }
  });
}

Deno.test("every byte that is not allowed outside strings brings the parser into a known state", async () => {
  const legal = ` \t\r\n{}[],:"'-abcdefghijklmnopqrstuvwxyz0123456789`;
  const illegal = Array.from({ length: 0x100 }, (_, byte) => byte)
    .filter((byte) => !legal.includes(String.fromCharCode(byte)));
  assertEquals(illegal.length, 0x100 - legal.length);
  while (illegal.length > 0) {
    await using both = await agreedSession();
    const { client } = both;
    // A session has too many errors at 100.
    for (const byte of illegal.splice(0, 90)) {
      await client.write('{"execute":');
      await client.write(Uint8Array.of(byte));
      await client.write(QUERY);
      const [error, answer] = await client.take(2);
      assert(error && "error" in error, String(byte));
      assert(isAnswer(answer), String(byte));
    }
  }
});

Deno.test("single quotes are accepted, unknown arguments refused, and answers escaped to ASCII", async () => {
  await using both = await rawSession();
  const { client } = both;
  await client.next();
  await client.write(
    `{"execute":"qmp_capabilities","arguments":{"enabled":[]},"id":"é"}`,
  );
  const line = await client.line();
  assertEquals(
    line,
    `{"error":{"class":"GenericError","desc":"Parameter 'enabled' is ` +
      String.raw`unexpected"},"id":"\u00E9"}`,
  );
  await client.write("{'execute':'qmp_capabilities', 'id': 'a\"b'}");
  assertEquals(await client.next(), { return: {}, id: 'a"b' });
});

Deno.test("a request over the limit gets an error, then the session ends", async () => {
  await using both = await agreedSession({ maxMessageBytes: 1000 });
  const { client, session } = both;
  await client.write(QUERY + '{"execute":"stop","id":"' + "x".repeat(1000));
  assert(isAnswer(await client.next()));
  assertEquals(await client.next(), {
    error: {
      class: "GenericError",
      desc: "Message at offset 64 is larger than the limit: " +
        "maxMessageBytes is 1000",
    },
  });
  assertEquals(await client.next(), undefined);
  await assertRejects(() => session.closed, MessageTooLargeError);
});

Deno.test("a client that sends lines that are not JSON gets 100 errors, then its session ends", async () => {
  await using both = await agreedSession();
  const { client, session } = both;
  await client.write("x\n".repeat(20_000)).catch(() => {});
  const answers = await client.rest();
  assertEquals(answers.length, 100);
  assert(answers.every((answer) => "error" in answer));
  await assertRejects(() => session.closed, ProtocolError, "100");
});

Deno.test("messages that are not commands count like those that are not JSON", async () => {
  for (const unit of ["1 ", "{}", "\x01", "}", '{"execute":1}', "''"]) {
    await using both = await agreedSession();
    const { client } = both;
    await client.write(unit.repeat(1000)).catch(() => {});
    assertEquals((await client.rest()).length, 100, unit);
  }
});

Deno.test("commands that fail do not count", async () => {
  await using both = await agreedSession();
  const { client } = both;
  const writing = client.write('{"execute":"nope"}'.repeat(300) + QUERY);
  const answers = await client.take(301);
  assert(isAnswer(answers.at(-1)));
  await writing;
});

const command = agreeOn() + '{"execute":"attacked"}';
const foreign: Record<string, string> = {
  "an HTTP request":
    `POST / HTTP/1.1\r\nHost: 127.0.0.1:4444\r\n\r\n${command}`,
  "an HTTP request without a header": `GET /\r\n\r\n${command}`,
  "an HTTP request behind blank lines":
    `\r\n\r\nPUT / HTTP/1.0\r\n\r\n${command}`,
  "a method in small letters": `patch / HTTP/1.1\r\n\r\n${command}`,
  "a command as the path": `GET /${command} HTTP/1.1\r\n\r\n`,
  "HTTP/2": `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${command}`,
  "an SSH banner": `SSH-2.0-OpenSSH_9.2\r\n${command}`,
  "a TLS hello": `\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03${command}`,
  "SMTP": `EHLO evil.example\r\n${command}`,
  "FTP": `USER ${command}\r\n`,
  "Redis": `SET a ${command}\r\n`,
};
for (const [name, text] of Object.entries(foreign)) {
  Deno.test(`${name} ends the session with an error in the log, and no command in it is executed`, async () => {
    const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
    const start = text.search(/\S/);
    for (const cut of [0, start + 1, start + 2]) {
      let attacked = 0;
      const records = await logged("error", async () => {
        await using both = await rawSession({
          commands: { attacked: () => void attacked++ },
        });
        const { client, session } = both;
        await client.next();
        const parts = [bytes.subarray(0, cut), bytes.subarray(cut)];
        for (const part of parts) await client.write(part).catch(() => {});
        for (const answer of await client.rest()) assert("error" in answer);
        await assertRejects(() => session.closed, ProtocolError);
        assert(!session.negotiated);
      });
      assertEquals(attacked, 0);
      const errors = records.map(textOf);
      assertEquals(errors.length, 1);
      assertMatch(errors[0] ?? "", /another protocol than QMP|not commands/);
    }
  });
}

Deno.test("before its first command a client may send 4 errors, and the 5th ends its session", async () => {
  for (const count of [4, 5]) {
    await using both = await rawSession();
    const { client } = both;
    await client.next();
    await client.write("\x01".repeat(count) + agreeOn());
    await client.end().catch(() => {});
    const answers = await client.rest();
    assertEquals(
      answers.filter((answer) => "return" in answer).length,
      count < 5 ? 1 : 0,
    );
    assertEquals(answers.length, 5);
  }
});

Deno.test("a binary protocol with a command in it gets no command executed", async () => {
  // A TURN client of a browser sends what a page gives it as a user's name.
  const stun = "\0\x03\0\x50\x21\x12\xa4\x42" + "\x10\x20\x30\x40\x50\x60" +
    "\x70\x80\x90\xa0\xb0\xc0" + "\0\x06\0\x40";
  let attacked = 0;
  await using both = await rawSession({
    commands: { attacked: () => void attacked++ },
  });
  const { client, session } = both;
  await client.next();
  const text = stun + command;
  await client.write(Uint8Array.from(text, (char) => char.charCodeAt(0)));
  await client.rest();
  assertEquals(attacked, 0);
  assert(!session.negotiated);
});
