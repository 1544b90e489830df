const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const UPPER_E = 0x45;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LOWER_E = 0x65;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Every integer of so many digits is safe. */
const SAFE_DIGITS = 15;
/** The time to make a `bigint` grows faster than the number of its digits. */
const MAX_CHARACTERS = 4096;

/** With more keys than this, a `Map` finds one faster than a loop. */
const MAX_LOOP_KEYS = 8;

/**
 * The long integers in an array or object, and the containers that have some in
 * them: each behind its key or index. Deep nesting makes many of these, and an
 * array takes a third of the memory of a `Map`.
 */
type Places = (string | number | bigint | Places | undefined)[];

/** An array or an object that is open at a position of the text. */
interface Container {
  readonly outer: Container | undefined;
  readonly isArray: boolean;
  /** The index of the current element, or the position of the member's key. */
  at: number;
  /** Made when the first long integer is found inside. */
  places: Places | undefined;
  /** Where keys are in the places, once there are many. */
  index: Map<string, number> | undefined;
}

/**
 * Gives the integers beyond ±(2^53 - 1) of a parsed JSON text their exact values.
 *
 * The text is scanned once, and of the value only the containers of such integers
 * are visited. A reviver for `JSON.parse` is called for every value: that takes
 * up to 50 times as long as to parse.
 *
 * @param text A valid JSON text.
 * @param value What `JSON.parse` has made of it; it is changed in place.
 * @throws {RangeError} An integer has more than 4096 characters.
 */
export function restoreLongIntegers(text: string, value: unknown): unknown {
  if (!hasLongNumber(text)) return value;
  const found = findLongIntegers(text);
  if (typeof found === "bigint") return found;
  if (found !== undefined) restore(value, found);
  return value;
}

/**
 * Whether more digits stand in a row than every safe integer has, perhaps within
 * a string. Looks at one character in sixteen.
 */
function hasLongNumber(text: string): boolean {
  for (let i = SAFE_DIGITS; i < text.length; i += SAFE_DIGITS + 1) {
    if (!isDigit(text.charCodeAt(i))) continue;
    let first = i;
    let last = i;
    while (last - first < SAFE_DIGITS && isDigit(text.charCodeAt(first - 1))) {
      first--;
    }
    while (last - first < SAFE_DIGITS && isDigit(text.charCodeAt(last + 1))) {
      last++;
    }
    if (last - first >= SAFE_DIGITS) return true;
  }
  return false;
}

/** The long integer that the text is, or the places of those that are in it. */
function findLongIntegers(text: string): Places | bigint | undefined {
  let root: Container | undefined;
  let container: Container | undefined;
  let beforeKey = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isDigit(code) || code === MINUS) {
      const end = endOfNumber(text, at);
      const integer = longInteger(text, at, end);
      if (integer !== undefined) {
        if (container === undefined) return integer;
        add(container, integer, text);
      }
      at = end - 1;
    } else if (code === QUOTE) {
      if (beforeKey && container) {
        beforeKey = false;
        container.at = at;
        if (container.places) drop(container, text);
      }
      at = endOfString(text, at) - 1;
    } else if (code === OPEN_BRACKET || code === OPEN_BRACE) {
      container = {
        outer: container,
        isArray: code === OPEN_BRACKET,
        at: 0,
        places: undefined,
        index: undefined,
      };
      root ??= container;
      beforeKey = !container.isArray;
    } else if (code === CLOSE_BRACKET || code === CLOSE_BRACE) {
      container = container?.outer;
      beforeKey = false;
    } else if (code === COMMA) {
      if (container?.isArray) container.at++;
      else beforeKey = true;
    }
  }
  return root?.places;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** The position behind the number that begins at a position. */
function endOfNumber(text: string, start: number): number {
  for (let at = start + 1;; at++) {
    const code = text.charCodeAt(at);
    const isPart = isDigit(code) || code === DOT || code === MINUS ||
      code === PLUS || code === LOWER_E || code === UPPER_E;
    if (!isPart) return at;
  }
}

/** The position behind the string that begins at a position. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1;; at++) {
    at = text.indexOf('"', at);
    let first = at;
    while (text.charCodeAt(first - 1) === BACKSLASH) first--;
    // An odd number of backslashes escapes the quote.
    if ((at - first) % 2 === 0) return at + 1;
  }
}

/** The number between two positions, if it is an integer that is not safe. */
function longInteger(
  text: string,
  start: number,
  end: number,
): bigint | undefined {
  if (end - start <= SAFE_DIGITS) return undefined;
  const source = text.slice(start, end);
  if (/[.eE]/.test(source) || Number.isSafeInteger(Number(source))) {
    return undefined;
  }
  if (source.length > MAX_CHARACTERS) {
    throw new RangeError(
      `Cannot parse integer: it has ${source.length} characters, at most ${MAX_CHARACTERS} are allowed`,
    );
  }
  return BigInt(source);
}

/** The key or the index of what a container has at the position of the scan. */
function keyOf({ isArray, at }: Container, text: string): string | number {
  if (isArray) return at;
  const key = text.slice(at, endOfString(text, at));
  return key.includes("\\") ? JSON.parse(key) : key.slice(1, -1);
}

/** Adds a long integer to the places of a container and of those around it. */
function add(container: Container, integer: bigint, text: string): void {
  let found: bigint | Places = integer;
  for (let at: Container | undefined = container; at; at = at.outer) {
    const key = keyOf(at, text);
    if (at.places) {
      if (typeof key === "string") at.index?.set(key, at.places.length);
      at.places.push(key, found);
      return;
    }
    found = at.places = [key, found];
  }
}

/**
 * Drops what the places of an object have at the current key: of members with
 * one name the last counts (ECMA-262 §25.5.1).
 */
function drop(container: Container, text: string): void {
  const { places = [] } = container;
  const key = keyOf(container, text);
  if (places.length > 2 * MAX_LOOP_KEYS) container.index ??= indexOf(places);
  const at = container.index
    ? container.index.get(String(key)) ?? -1
    : places.lastIndexOf(key);
  if (at >= 0) places[at + 1] = undefined;
}

function indexOf(places: Places): Map<string, number> {
  const index = new Map<string, number>();
  for (let at = 0; at < places.length; at += 2) {
    index.set(String(places[at]), at);
  }
  return index;
}

/** Puts the integers into their places, in which there is a number near to each. */
function restore(value: unknown, places: Places): void {
  const left: [value: unknown, places: Places][] = [[value, places]];
  for (let next = left.pop(); next; next = left.pop()) {
    const [value, places] = next;
    if (typeof value !== "object" || value === null) continue;
    const container = value as Record<string, unknown>;
    for (let at = 0; at < places.length; at += 2) {
      const key = places[at] as string;
      const found = places[at + 1];
      if (Array.isArray(found)) left.push([container[key], found]);
      else if (typeof found === "bigint" && container[key] === Number(found)) {
        container[key] = found;
      }
    }
  }
}
