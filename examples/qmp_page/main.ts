/**
 * Serves a page that shows a virtual machine and takes commands for it. Every
 * user of this computer can then reach the machine; pages of other sites cannot.
 *
 * deno run --unstable-bundle --allow-net --allow-read --allow-write examples/qmp_page/main.ts unix:/run/vm.sock
 */
import {
  formatAddress,
  parseTransport,
  relay,
  webSocket,
} from "@parley/parley";
import { commandLine } from "../support/command_line.ts";

const [address = "unix:/run/vm.sock", port = "8080"] = commandLine(
  "[ADDRESS] [PORT]",
);
const folder = new URL("page/", import.meta.url);

const { success, outputFiles = [], errors } = await Deno.bundle({
  entrypoints: [new URL("page.ts", folder).href],
  platform: "browser",
  write: false,
});
if (!success) throw new Error(errors.map(({ text }) => text).join("\n"));
const web = Deno.serve(
  { hostname: "127.0.0.1", port: Number(port), onListen() {} },
  respond,
);
const origins = ["127.0.0.1", "localhost"].map((host) => {
  return new URL(`http://${host}:${web.addr.port}`).origin;
});
await using joined = await relay(
  webSocket({ url: "ws://127.0.0.1:0/", origins }),
  parseTransport(address),
  { onError: (error) => console.warn(String(error)) },
);
console.log(`Open ${origins[0]}`);
await web.finished;

async function respond({ url }: Request): Promise<Response> {
  const read = (name: string) => Deno.readTextFile(new URL(name, folder));
  switch (new URL(url).pathname) {
    case "/":
      return answer("text/html", await read("index.html"));
    case "/style.css":
      return answer("text/css", await read("style.css"));
    case "/page.js":
      return answer("text/javascript", outputFiles[0]?.text() ?? "");
    case "/socket":
      return answer("text/plain", formatAddress(joined.address));
    default:
      return new Response("Not found", { status: 404 });
  }
}

function answer(type: string, body: string): Response {
  const headers = {
    "content-type": `${type}; charset=utf-8`,
    // In a frame, another site could have the machine stopped by a click.
    "content-security-policy": "frame-ancestors 'none'",
  };
  return new Response(body, { headers });
}
