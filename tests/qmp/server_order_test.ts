import { assertEquals } from "@std/assert";
import {
  agreedSession,
  agreeOn,
  rawSession,
} from "../support/qmp/raw_qmp_session.ts";
import { turns } from "../support/turns.ts";

Deno.test("replies and refusals come in the order of their commands, in band", async () => {
  const gate = Promise.withResolvers<void>();
  await using both = await agreedSession({
    commands: { slow: () => gate.promise, quick: () => {} },
  });
  const { client } = both;
  await client.write(
    '{"execute":"slow","id":1}{"execute":"quick","id":2}{"foo":1,"id":3}' +
      '{"execute":"quick","id":4}@{"execute":"nope","id":5}1 ' +
      '{"execute":"quick","id":6}',
  );
  await turns();
  gate.resolve();
  const answers = await client.take(8);
  assertEquals(answers.map((answer) => answer?.id), [
    ...[1, 2, 3, 4],
    undefined,
    5,
    undefined,
    6,
  ]);
  assertEquals(
    answers.map((answer) => answer && "error" in answer),
    [false, false, true, false, true, true, true, false],
  );
});

Deno.test("a client without ids knows its answers by their order", async () => {
  await using both = await agreedSession({
    commands: {
      slow: async ({ n }) => {
        await turns();
        return { n };
      },
      quick: ({ n }) => ({ n }),
    },
  });
  const { client } = both;
  for (let n = 0; n < 30; n += 3) {
    await client.write(
      `{"execute":"slow","arguments":{"n":${n}}}` +
        `{"execute":${n}}{"execute":"quick","arguments":{"n":${n + 2}}}`,
    );
  }
  for (let n = 0; n < 30; n += 3) {
    const [slow, refused, quick] = await client.take(3);
    assertEquals(slow, { return: { n } });
    assertEquals(Object.keys(refused ?? {}), ["error"]);
    assertEquals(quick, { return: { n: n + 2 } });
  }
});

Deno.test("before negotiation, too, answers come in the order of the messages", async () => {
  await using both = await rawSession();
  const { client } = both;
  await client.next();
  await client.write(
    `{"execute":"a","id":1}{"foo":1,"id":2}@${agreeOn()}` +
      '{"execute":"query-version","id":3}',
  );
  const answers = await client.take(5);
  assertEquals(
    answers.map((answer) => [answer?.id, answer && "return" in answer]),
    [[1, false], [2, false], [undefined, false], [undefined, true], [3, true]],
  );
});

Deno.test("exec-oob in the same write as the negotiation that enables it is accepted", async () => {
  const gate = Promise.withResolvers<void>();
  await using both = await rawSession({
    commands: { slow: () => gate.promise, now: { oob: true, run: () => {} } },
  });
  const { client } = both;
  await client.next();
  await client.write(
    agreeOn("oob") + '{"execute":"slow","id":1}{"exec-oob":"now","id":2}' +
      '{"exec-oob":"now","foo":1,"id":3}{"exec-oob":5,"id":4}',
  );
  assertEquals(await client.next(), { return: {} });
  // The refusal of an out-of-band command does not wait either.
  const answers = await client.take(3);
  assertEquals(answers.map((answer) => answer?.id).sort(), [2, 3, 4]);
  gate.resolve();
  assertEquals(await client.next(), { return: {}, id: 1 });
});

Deno.test("without oob enabled, exec-oob is refused in its turn", async () => {
  const gate = Promise.withResolvers<void>();
  await using both = await agreedSession({
    commands: { slow: () => gate.promise, now: { oob: true, run: () => {} } },
  });
  const { client } = both;
  await client.write('{"execute":"slow","id":1}{"exec-oob":"now","id":2}');
  await turns();
  gate.resolve();
  const [first, second] = await client.take(2);
  assertEquals(first, { return: {}, id: 1 });
  assertEquals(second, {
    error: {
      class: "GenericError",
      desc: "QMP input member 'exec-oob' is unexpected",
    },
    id: 2,
  });
});
