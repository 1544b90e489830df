/**
 * Draws in a window, and prints what is on the screen then. Start a server
 * first: `Xvfb :1`.
 *
 * deno run --allow-net --allow-read --allow-write examples/x11/main.ts :1
 */
import { Display, displayTransport } from "./display.ts";
import { Window } from "./drawing.ts";

await using display = new Display();
await display.connect(displayTransport(Deno.args[0] ?? ":0"));
const { vendor, screen } = display.setup;
console.log(`${vendor}: ${screen.width} x ${screen.height}`);

const place = { x: 10, y: 10, width: 16, height: 6 };
const window = await Window.open(display, place);
await window.fill(0xff8000, { x: 2, y: 1, width: 12, height: 4 });
const pixels = await window.pixels({ ...place, x: 0, y: 0 });
const line = pixels.map((colour) => colour === 0xff8000 ? "#" : ".").join("");
console.log(line.replace(/.{16}(?!$)/g, "$&\n"));
await window.close();
