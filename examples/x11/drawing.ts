import type { Display } from "./display.ts";
import { u16, u32 } from "./layout.ts";

const CREATE_WINDOW = 1;
const DESTROY_WINDOW = 4;
const MAP_WINDOW = 8;
const CREATE_PEN = 55;
const CHANGE_PEN = 56;
const FREE_PEN = 60;
const FILL = 70;
const GET_IMAGE = 73;

const NO_BORDER = 0;
const BACKGROUND = 1 << 1;
const EVENT_MASK = 1 << 11;
const FOREGROUND = 1 << 2;
const Z_PIXMAP = 2;
const ALL_PLANES = 0xffffffff;

/** A part of a window, in pixels. */
export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Events of a window: the bit of a mask that asks for them, and their code. */
export const EVENTS = {
  motion: { mask: 1 << 6, code: "6" },
  expose: { mask: 1 << 15, code: "12" },
  mapped: { mask: 1 << 17, code: "19" },
};

/** A window, and a pen to draw in it. */
export class Window {
  readonly #display: Display;
  readonly #pen: number;
  readonly id: number;

  /** `Window.open()` makes windows. */
  constructor(display: Display) {
    this.#display = display;
    this.#pen = display.newId();
    this.id = display.newId();
  }

  /** Creates a window on the screen, and shows it. */
  static async open(
    display: Display,
    area: Rectangle,
    events = 0,
  ): Promise<Window> {
    const window = new Window(display);
    const { id } = window;
    const { root, white } = display.setup;
    const looks = u32(NO_BORDER, 0, BACKGROUND | EVENT_MASK, white, events);
    await Promise.all([
      display.do(CREATE_WINDOW, 0, u32(id, root), encoded(area), looks),
      display.do(CREATE_PEN, 0, u32(window.#pen, id, 0)),
      display.do(MAP_WINDOW, 0, u32(id)),
    ]);
    return window;
  }

  /** Fills a part with a colour, such as 0xff8000. */
  async fill(colour: number, area: Rectangle): Promise<void> {
    const { id } = this;
    await Promise.all([
      this.#display.do(CHANGE_PEN, 0, u32(this.#pen, FOREGROUND, colour)),
      this.#display.do(FILL, 0, u32(id, this.#pen), encoded(area)),
    ]);
  }

  /** The colours of the pixels, line by line. */
  async pixels(area: Rectangle): Promise<number[]> {
    const reply = await this.#display
      .ask(GET_IMAGE, Z_PIXMAP, u32(this.id), encoded(area), u32(ALL_PLANES));
    const pixels = new Uint32Array(reply.slice(32).buffer);
    return Array.from(pixels, (pixel) => pixel & 0xffffff);
  }

  /** Removes it from the screen. */
  async close(): Promise<void> {
    await Promise.all([
      this.#display.do(FREE_PEN, 0, u32(this.#pen)),
      this.#display.do(DESTROY_WINDOW, 0, u32(this.id)),
    ]);
  }
}

function encoded({ x, y, width, height }: Rectangle): Uint8Array {
  return u16(x, y, width, height);
}
