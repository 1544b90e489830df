import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import { Redis } from "../../examples/redis/client.ts";
import { RedisError } from "../../examples/redis/value.ts";
import {
  CallInterruptedError,
  CallTimeoutError,
  ConnectError,
  EndOfStreamError,
  EventOverflowError,
  reconnecting,
  type Transport,
} from "../../mod.ts";
import { faulty, scriptedPeer } from "../../testing/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { inFolder } from "../support/in_folder.ts";
import { runDeno } from "../support/program.ts";
import { needs } from "../support/servers/real_process.ts";
import { startRedis } from "../support/servers/redis.ts";

const redisServer = needs("redis-server");

async function connected(
  to: Transport,
  options?: ConstructorParameters<typeof Redis>[0],
): Promise<Redis> {
  const redis = new Redis(options);
  await redis.connect(to);
  return redis;
}

Deno.test({
  name: "Redis: commands of every type of reply, many at once, and errors",
  ...redisServer,
  fn: async () => {
    await using server = await startRedis();
    await using redis = await connected(server.transport, { database: 3 });
    assertEquals(await redis.command(["SET", "colour", "blå"]), "OK");
    assertEquals(await redis.command(["GET", "colour"]), "blå");
    assertEquals(await redis.command(["GET", "nothing"]), null);
    await redis.command(["HSET", "hash", "a", 1, "b", 2]);
    assertEquals(
      await redis.command(["HGETALL", "hash"]),
      new Map([["a", "1"], ["b", "2"]]),
    );
    await redis.command(["SADD", "set", "x"]);
    assertEquals(await redis.command(["SMEMBERS", "set"]), new Set(["x"]));
    await redis.command(["ZADD", "scores", 1.5, "x"]);
    assertEquals(await redis.command(["ZSCORE", "scores", "x"]), 1.5);
    const types: [string, unknown][] = [
      ["true", true],
      ["null", null],
      ["double", 3.141],
      ["bignum", 1234567999999999999999999999999999999n],
      ["verbatim", "This is a verbatim\nstring"],
      ["map", new Map([[0, false], [1, true], [2, false]])],
    ];
    for (const [type, value] of types) {
      assertEquals(await redis.command(["DEBUG", "PROTOCOL", type]), value);
    }
    assertEquals(
      await redis.command(["EVAL", "return {1, {2, {'three', {}}}}", 0]),
      [1, [2, ["three", []]]],
    );

    const keys = Array.from({ length: 1000 }, (_, n) => `key:${n}`);
    const replies = await Promise.all([
      ...keys.map((key, n) => redis.command(["SET", key, String(n)])),
      ...keys.map((key) => redis.command(["GET", key])),
    ]);
    assertEquals(replies[1999], "999");

    const error = await rejection(redis.command(["LPUSH", "colour", "red"]));
    assertInstanceOf(error, RedisError);
    assertEquals(error.code, "WRONGTYPE");
    assertEquals(
      await redis.command(["CLIENT", "LIST"]).then(String).then(
        (list) => /db=(\d+)/.exec(list)?.[1],
      ),
      "3",
    );
  },
});

Deno.test({
  name: "Redis: values of 8 MiB, several at once, as text and as bytes",
  ...redisServer,
  fn: async () => {
    await using server = await startRedis();
    await using redis = await connected(server.transport, { timeout: 60_000 });
    const bytes = new Uint8Array(8 * 1024 * 1024);
    for (let at = 0; at < bytes.length; at += 65536) {
      crypto.getRandomValues(bytes.subarray(at, at + 65536));
    }
    const text = "é".repeat(4 * 1024 * 1024);
    const [, , gotten, read] = await Promise.all([
      redis.command(["SET", "bytes", bytes]),
      redis.command(["SET", "text", text]),
      redis.command<Uint8Array>(["GET", "bytes"], { binary: true }),
      redis.command(["GET", "text"]),
    ]);
    assert(text === read, "The text is another one");
    const same = gotten.length === bytes.length &&
      gotten.every((byte, at) => byte === bytes[at]);
    assert(same, "The bytes are others");
  },
});

Deno.test({
  name: "Redis: a wrong password is the cause, and a right one logs in",
  ...redisServer,
  fn: async () => {
    await using server = await startRedis({
      args: ["--requirepass", "secret"],
    });
    const error = await rejection(
      connected(server.transport, { password: "wrong" }),
    );
    assertInstanceOf(error, ConnectError);
    assertInstanceOf(error.cause, RedisError);
    assertEquals(error.cause.code, "WRONGPASS");
    await using redis = await connected(server.transport, {
      password: "secret",
    });
    assertEquals(await redis.command(["ACL", "WHOAMI"]), "default");
    const rules = ["on", ">pass", "~*", "+@all"];
    await redis.command(["ACL", "SETUSER", "bob", ...rules]);
    await redis.command(["ACL", "SETUSER", "eve", "on", "nopass", "+@all"]);
    for (
      const login of [{ username: "bob", password: "pass" }, {
        username: "eve",
      }]
    ) {
      await using user = await connected(server.transport, login);
      assertEquals(await user.command(["ACL", "WHOAMI"]), login.username);
    }
  },
});

Deno.test({
  name: "Redis: a server that closes at once is heard, why",
  ...redisServer,
  fn: async () => {
    await using server = await startRedis({ args: ["--maxclients", "1"] });
    await using _only = await connected(server.transport);
    const error = await rejection(connected(server.transport));
    assertInstanceOf(error, ConnectError);
    assertInstanceOf(error.cause, RedisError);
    assertEquals(error.cause.message, "ERR max number of clients reached");
  },
});

Deno.test({
  name: "Redis: a login that is refused is not tried again",
  ...redisServer,
  fn: async () => {
    await using server = await startRedis({
      args: ["--requirepass", "secret"],
    });
    for (const password of [undefined, "wrong"]) {
      const redis = new Redis({ password });
      await using connection = reconnecting(redis, server.transport);
      const signal = AbortSignal.timeout(10_000);
      const error = await rejection(connection.connected({ signal }));
      assertInstanceOf(error, ConnectError);
      assertInstanceOf(error.cause, RedisError);
    }
  },
});

Deno.test({
  name:
    "Redis: pings wait for a command that blocks, and a dead server is left",
  ...redisServer,
  fn: async () => {
    await using server = await startRedis();
    const redis = await connected(server.transport, {
      ...{ keepAliveInterval: 10, timeout: 500 },
    });
    const timeout = 10_000;
    const blocked = ["BLPOP", "list", 0.6] as const;
    const popped = [1, 2].map(() => redis.command(blocked, { timeout }));
    assertEquals(await Promise.all(popped), [null, null]);

    server.process.kill("SIGSTOP");
    const commands = setInterval(
      () => redis.command(["GET", "key"]).catch(() => {}),
      10,
    );
    const error = await rejection(redis.closed);
    clearInterval(commands);
    assertInstanceOf(error, CallTimeoutError);
    assertEquals(error.method, "PING");
    await rejection(redis.disconnect());
  },
});

Deno.test({
  name: "Redis: channels and patterns beside commands, until they are left",
  ...redisServer,
  fn: async () => {
    await using server = await startRedis();
    await using redis = await connected(server.transport);
    const news = await redis.subscribe("news");
    const same = await redis.subscribe("news");
    const all = await redis.subscribe("n*", { method: "PSUBSCRIBE" });
    const publish = ["PUBLISH", "news", "one"] as const;
    const [count, value] = await Promise.all([
      redis.command(publish),
      redis.command(["GET", "nothing"]),
    ]);
    assertEquals([count, value], [2, null]);
    const numsub = ["PUBSUB", "NUMSUB", "news"] as const;
    for (const messages of [news, same, all]) {
      assertEquals(await redis.command(numsub), [
        "news",
        messages === all ? 0 : 1, // as long as one is left
      ]);
      assertEquals(await messages.next(), { channel: "news", payload: "one" });
      messages.close();
    }
    assertEquals(await redis.command(["PUBSUB", "NUMPAT"]), 0);
    const raw = redis.command(["subscribe", "raw"]); // in any case
    assertEquals(await raw, ["subscribe", "raw", 1]);

    // The subscription ends with the session, and says why.
    const last = await redis.subscribe("news");
    const reason = new Error("enough");
    await redis.disconnect({ reason });
    const ended = await rejection(last.next());
    assertInstanceOf(ended, EndOfStreamError);
    assertEquals(ended.cause, reason);
  },
});

Deno.test({
  name:
    "Redis: a signal ends the wait for a subscription, and the subscription",
  ...redisServer,
  fn: async () => {
    await using server = await startRedis();
    await using redis = await connected(server.transport);
    const numsub = ["PUBSUB", "NUMSUB", "news"] as const;
    const reason = new Error("enough");
    for (const when of ["before", "while it waits", "later"]) {
      const abort = new AbortController();
      const { signal } = abort;
      if (when === "before") abort.abort(reason);
      const subscribed = redis.subscribe("news", { signal });
      if (when === "while it waits") abort.abort(reason);
      const heard = subscribed.then((messages) => messages.next());
      if (when === "later") {
        await subscribed;
        assertEquals(await redis.command(numsub), ["news", 1]);
        abort.abort(reason);
      }
      assertEquals(await rejection(heard), reason);
      assertEquals(await redis.command(numsub), ["news", 0]);
    }
  },
});

/** A command or a push, as it is sent. */
function resp(type: "*" | ">", ...words: string[]): string {
  const strings = words.map((word) => `$${word.length}\r\n${word}\r\n`);
  return `${type}${words.length}\r\n${strings.join("")}`;
}

Deno.test("Redis: a channel stays if one of its listeners is refused, and comes back if it is left for a moment", async () => {
  const told = (payload: string) => resp(">", "message", "news", payload);
  await using peer = scriptedPeer([
    { expect: resp("*", "HELLO", "3") },
    { send: "%0\r\n" },
    { expect: resp("*", "SUBSCRIBE", "news") },
    { send: resp(">", "subscribe", "news", "1") },
    { expect: resp("*", "SUBSCRIBE", "news") },
    { send: `-NOPERM not you\r\n${told("one")}` },
    {
      expect: resp("*", "UNSUBSCRIBE", "news") +
        resp("*", "SUBSCRIBE", "news"),
    },
    { send: resp(">", "unsubscribe", "news", "0") },
    { send: resp(">", "subscribe", "news", "1") + told("two") },
    "expect end",
  ]);
  await using redis = new Redis();
  await redis.connect(peer.connection);
  const signal = AbortSignal.abort(new Error("not needed"));
  const unwanted = redis.subscribe("news", { signal });
  assertEquals(await rejection(unwanted), signal.reason);
  const first = await redis.subscribe("news");
  await assertRejects(() => redis.subscribe("news"), RedisError, "NOPERM");
  assertEquals(await first.next(), { channel: "news", payload: "one" });
  first.close();
  const again = await redis.subscribe("news");
  assertEquals(await again.next(), { channel: "news", payload: "two" });
  await redis.disconnect();
  await peer.done;
});

Deno.test({
  name: "Redis: a subscriber that does not read loses its channel, no more",
  ...redisServer,
  fn: async () => {
    await using server = await startRedis();
    await using redis = await connected(server.transport);
    const news = await redis.subscribe("news");
    const payload = "x".repeat(2 ** 20);
    for (let n = 0; n < 10; n++) {
      await redis.command(["PUBLISH", "news", payload]);
    }
    const read = Array.fromAsync(news);
    await assertRejects(() => read, EventOverflowError, "news");
    assertEquals(await redis.command(["PUBSUB", "NUMSUB", "news"]), [
      "news",
      0,
    ]);
  },
});

Deno.test({
  name: "Redis: pushes that are of no channel, such as invalidated keys",
  ...redisServer,
  fn: async () => {
    await using server = await startRedis();
    const pushed = Promise.withResolvers<unknown>();
    await using redis = await connected(server.transport, {
      onPush: pushed.resolve,
    });
    await using other = await connected(server.transport);
    await redis.command(["CLIENT", "TRACKING", "ON"]);
    await redis.command(["GET", "key"]);
    await other.command(["SET", "key", "new"]);
    assertEquals(await pushed.promise, ["invalidate", ["key"]]);
  },
});

Deno.test({
  name: "Redis: transactions, of which none, some or all commands fail",
  ...redisServer,
  fn: async () => {
    await using server = await startRedis();
    await using redis = await connected(server.transport);
    const incr = ["INCR", "count"] as const;
    assertEquals(await redis.transaction([incr, incr]), [1, 2]);
    const mixed = await redis.transaction([incr, ["LPUSH", "count", "x"]]);
    assertEquals(mixed?.[0], 3);
    assertInstanceOf(mixed?.[1], RedisError);
    await assertRejects(
      () => redis.transaction([incr, ["NOSUCH"]]),
      RedisError,
      "NOSUCH",
    );
    assertEquals(await redis.command(["GET", "count"]), "3");

    await using other = await connected(server.transport);
    await redis.command(["WATCH", "count"]);
    await other.command(incr);
    assertEquals(await redis.transaction([incr]), null);
    assertEquals(await redis.command(["GET", "count"]), "4");
  },
});

Deno.test({
  name: "Redis: with the signal of a session, no other executes a transaction",
  ...redisServer,
  fn: async () => {
    await using server = await startRedis();
    await using other = await connected(server.transport);
    const redis = new Redis();
    await using connection = reconnecting(redis, server.transport, {
      initialDelay: 1,
    });
    await connection.connected();
    const { signal } = redis;
    await redis.command(["WATCH", "count"], { signal });
    const cut = rejection(redis.command(["BLPOP", "list", 0], { signal }));
    await other.command(["CLIENT", "KILL", "TYPE", "normal"]);
    await cut;
    await connection.connected();
    const late = redis.transaction([["INCR", "count"]], { signal });
    assertEquals(await rejection(late), signal.reason);
    assertEquals(await redis.command(["GET", "count"]), null);
  },
});

Deno.test({
  name: "Redis: a late reply is not taken for the reply of the next command",
  ...redisServer,
  fn: async () => {
    await using server = await startRedis();
    await using redis = await connected(server.transport);
    await using other = await connected(server.transport);
    const blocked = redis.command(["BLPOP", "list", 0], { timeout: 20 });
    await assertRejects(() => blocked, CallTimeoutError, "BLPOP");
    const abort = new AbortController();
    const aborted = redis.command(["BLPOP", "list", 0], {
      signal: abort.signal,
    });
    const next = redis.command(["ECHO", "mine"]);
    abort.abort(new Error("enough"));
    await assertRejects(() => aborted, Error, "enough");
    await other.command(["RPUSH", "list", "one", "two"]);
    assertEquals(await next, "mine");
  },
});

for (const seed of [1, 2, 3]) {
  Deno.test({
    name: `Redis: a session whose bytes are split and late, from seed ${seed}`,
    ...redisServer,
    fn: async () => {
      await using server = await startRedis();
      let faults = 0;
      const transport = faulty(server.transport, {
        seed,
        faults: ["split", "delay"],
        every: 50,
        onFault: () => faults++,
      });
      await using redis = await connected(transport, { timeout: 60_000 });
      const news = await redis.subscribe("news");
      const numbers = Array.from({ length: 200 }, (_, n) => n);
      await Promise.all(
        numbers.map((n) => redis.command(["RPUSH", "list", `${n}`])),
      );
      await Promise.all(
        numbers.map((n) => redis.command(["PUBLISH", "news", n])),
      );
      assertEquals(
        await redis.command(["LRANGE", "list", 0, -1]),
        numbers.map(String),
      );
      const heard = [];
      for await (const { payload } of news) {
        if (heard.push(Number(payload)) === numbers.length) break;
      }
      assertEquals(heard, numbers);
      assert(faults > 100, `There were ${faults} faults`);
    },
  });
}

Deno.test({
  name:
    "Redis: killed in the middle, commands say that they were sent, and the client comes back",
  ...redisServer,
  fn: () =>
    inFolder(async (folder) => {
      const path = `${folder}/redis`;
      await using first = await startRedis({ path });
      await using redis = new Redis();
      await using connection = reconnecting(redis, first.transport, {
        initialDelay: 10,
        maxDelay: 50,
      });
      await connection.connected();
      const news = await redis.subscribe("news");
      const pending = [
        redis.command(["BLPOP", "list", 0]),
        redis.command(["SET", "key", "value"]),
      ].map(rejection);
      first.process.kill("SIGKILL");
      for (const error of await Promise.all(pending)) {
        assertInstanceOf(error, CallInterruptedError);
        assertEquals(error.sent, true);
      }
      await assertRejects(() => news.next(), EndOfStreamError);

      await using _second = await startRedis({ path });
      await connection.connected();
      assertEquals(await redis.command(["SET", "key", "value"]), "OK");
    }),
});

Deno.test({
  name: "examples/redis/main.ts shows a key, a transaction and a channel",
  ...redisServer,
  fn: async () => {
    await using server = await startRedis();
    const args = ["run", "--no-prompt", "--allow-net", "--allow-read"];
    const script = ["--allow-write", "examples/redis/main.ts"];
    assertEquals(
      await runDeno([...args, ...script, `unix:${server.path}`]),
      {
        code: 0,
        stdout: "colour: blue\ntransaction: [ 1, 1 ]\nparley:news: it works\n",
        stderr: "",
      },
    );
  },
});
