/**
 * Sets and gets a key, counts in a transaction, and hears a channel.
 *
 * deno run --allow-net --allow-read --allow-write examples/redis/main.ts unix:/run/redis/redis.sock
 */
import { parseTransport } from "@parley/parley";
import { Redis } from "./client.ts";
import { commandLine } from "../support/command_line.ts";

const [address = "tcp://127.0.0.1:6379"] = commandLine("[ADDRESS]");
await using redis = new Redis();
await redis.connect(parseTransport(address));

await redis.command(["SET", "parley:colour", "blue"]);
console.log("colour:", await redis.command(["GET", "parley:colour"]));
const results = await redis.transaction([
  ["INCR", "parley:visits"],
  ["DEL", "parley:visits"],
]);
console.log("transaction:", results);

const messages = await redis.subscribe("parley:news");
await redis.command(["PUBLISH", "parley:news", "it works"]);
const { channel, payload } = await messages.next();
console.log(`${channel}:`, payload);
messages.close();
await redis.command(["DEL", "parley:colour"]);
