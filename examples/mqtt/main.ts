/**
 * Publishes a temperature, and hears it. Start a server first: `mosquitto`.
 *
 * deno run --allow-net examples/mqtt/main.ts tcp://127.0.0.1:1883
 */
import { parseTransport, reconnecting } from "@parley/parley";
import { MqttClient } from "./client.ts";
import { commandLine } from "../support/command_line.ts";

const [address = "tcp://127.0.0.1:1883"] = commandLine("[ADDRESS]");
const transport = parseTransport(address);

await using client = new MqttClient({
  will: {
    topic: "house/sensor",
    payload: new TextEncoder().encode("vanished"),
    qos: 1,
    retain: false,
  },
});
await using connection = reconnecting(client, transport, { maxAttempts: 5 });
await connection.connected({ signal: AbortSignal.timeout(10_000) });

using readings = await client.subscribe("house/+/temperature", { qos: 2 });
await client.publish("house/kitchen/temperature", "21.5", { qos: 2 });
for await (const { topic, payload } of readings) {
  console.log(`${topic}: ${new TextDecoder().decode(payload)}`);
  break;
}
