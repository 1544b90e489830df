/**
 * Delivers a short mail. Start a server first: `aiosmtpd -n -l 127.0.0.1:8025`.
 *
 * deno run --allow-net examples/smtp/main.ts tcp://127.0.0.1:8025 ann@example.com bob@example.com
 */
import { parseTransport } from "@parley/parley";
import { SmtpClient } from "./client.ts";
import { commandLine } from "../support/command_line.ts";

const [
  address = "tcp://127.0.0.1:8025",
  from = "ann@example.com",
  ...to
] = commandLine("[ADDRESS] [FROM] [TO...]");

await using client = new SmtpClient();
await client.connect(parseTransport(address));
const { reply, refused } = await client.deliver({
  from,
  to,
  content: `From: <${from}>\nSubject: Hello\n\nHow are you?\n.\nAnn\n`,
});
console.log(reply);
for (const [recipient, error] of refused) console.log(recipient, error.message);
