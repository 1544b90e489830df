import { concat } from "@std/bytes";
import type { Display } from "./display.ts";
import { i16, text, u16, u32, u32At } from "./layout.ts";

/** A part of a window, in pixels. */
export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The events to hear of a window; add them up. */
export const EventMask = {
  pointerMotion: 1 << 6,
  exposure: 1 << 15,
  structure: 1 << 17,
} as const;

/** The codes of their events. */
export const EventCode = {
  motion: "6",
  expose: "12",
  unmapped: "18",
  mapped: "19",
} as const;

/** A window, and a pen to draw in it. */
export class Window {
  readonly #display: Display;
  readonly id: number;
  readonly #pen: number;

  private constructor(display: Display) {
    this.#display = display;
    this.id = display.newId();
    this.#pen = display.newId();
  }

  /** Creates a window on the screen, and shows it. */
  static async open(
    display: Display,
    { x, y, width, height }: Rectangle,
    events = 0,
  ): Promise<Window> {
    const window = new Window(display);
    const { id } = window;
    const { root, white } = display.setup.screen;
    const place = [i16(x, y), u16(width, height, 0, 0)];
    const attributes = u32(0, BACKGROUND | EVENTS, white, events);
    await Promise.all([
      display.do(CREATE_WINDOW, 0, u32(id, root), ...place, attributes),
      display.do(CREATE_PEN, 0, u32(window.#pen, id, 0)),
      display.do(MAP_WINDOW, 0, u32(id)),
    ]);
    return window;
  }

  /** Fills rectangles with a colour, such as 0xff8000. */
  async fill(colour: number, ...rectangles: Rectangle[]): Promise<void> {
    const body = concat(rectangles.flatMap(({ x, y, width, height }) => [
      ...[i16(x, y), u16(width, height)],
    ]));
    await Promise.all([
      this.#display.do(CHANGE_PEN, 0, u32(this.#pen, FOREGROUND, colour)),
      this.#display.do(FILL_RECTANGLES, 0, u32(this.id, this.#pen), body),
    ]);
  }

  /** The colours of the pixels, line by line. */
  async pixels({ x, y, width, height }: Rectangle): Promise<number[]> {
    const place = [i16(x, y), u16(width, height)];
    const every = u32(0xffffffff);
    const reply = await this.#display
      .ask(GET_IMAGE, Z_PIXMAP, u32(this.id), ...place, every);
    return Array.from(
      { length: width * height },
      (_, n) => u32At(reply, 32 + 4 * n) & 0xffffff,
    );
  }

  /** Removes it from the screen. */
  async close(): Promise<void> {
    await Promise.all([
      this.#display.do(FREE_PEN, 0, u32(this.#pen)),
      this.#display.do(DESTROY_WINDOW, 0, u32(this.id)),
    ]);
  }
}

/** The number that a server has for a name. */
export async function atom(display: Display, name: string): Promise<number> {
  const bytes = text(name);
  const reply = await display.ask(INTERN_ATOM, 0, u16(bytes.length, 0), bytes);
  return u32At(reply, 8);
}

const CREATE_WINDOW = 1;
const DESTROY_WINDOW = 4;
const MAP_WINDOW = 8;
const INTERN_ATOM = 16;
const CREATE_PEN = 55;
const CHANGE_PEN = 56;
const FREE_PEN = 60;
const FILL_RECTANGLES = 70;
const GET_IMAGE = 73;

const BACKGROUND = 1 << 1;
const EVENTS = 1 << 11;
const FOREGROUND = 1 << 2;
const Z_PIXMAP = 2;
