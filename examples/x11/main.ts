/**
 * Draws in a window, and prints what is on the screen then. Start a server
 * first: `Xvfb :1`.
 *
 * deno run --allow-net --allow-read --allow-write examples/x11/main.ts unix:/tmp/.X11-unix/X1
 */
import { parseTransport } from "@parley/parley";
import { Display } from "./display.ts";
import { Window } from "./drawing.ts";
import { commandLine } from "../support/command_line.ts";

const [address = "unix:/tmp/.X11-unix/X0"] = commandLine("[ADDRESS]");
await using display = new Display();
await display.connect(parseTransport(address));
const { vendor, width, height } = display.setup;
console.log(`${vendor}: ${width} x ${height}`);

const area = { x: 0, y: 0, width: 16, height: 6 };
const window = await Window.open(display, area);
await window.fill(0xff8000, { x: 2, y: 1, width: 12, height: 4 });
const pixels = await window.pixels(area);
const line = pixels.map((colour) => colour === 0xff8000 ? "#" : ".").join("");
console.log(line.replace(/.{16}(?!$)/g, "$&\n"));
await window.close();
