type Bytes = Uint8Array<ArrayBuffer>;

/** A value of ASN.1 in its distinguished encoding (X.690). */
export function der(tag: number, ...contents: Bytes[]): Bytes {
  const length = contents.reduce((sum, { length }) => sum + length, 0);
  const digits = [];
  for (let rest = length; rest > 0; rest >>>= 8) digits.unshift(rest & 0xff);
  const head = length < 0x80 ? [length] : [0x80 | digits.length, ...digits];
  const bytes = new Uint8Array(1 + head.length + length);
  bytes.set([tag, ...head]);
  let offset = 1 + head.length;
  for (const content of contents) {
    bytes.set(content, offset);
    offset += content.length;
  }
  return bytes;
}

export function bytes(...values: number[]): Bytes {
  return new Uint8Array(values);
}

export function ascii(text: string): Bytes {
  return new TextEncoder().encode(text);
}

export function boolean(value: boolean): Bytes {
  return der(0x01, bytes(value ? 0xff : 0));
}

/** Whole bytes of bits. */
export function bitString(content: Bytes): Bytes {
  return der(0x03, bytes(0), content);
}

export function octetString(content: Bytes): Bytes {
  return der(0x04, content);
}

export function utf8String(text: string): Bytes {
  return der(0x0c, ascii(text));
}

export function sequence(...members: Bytes[]): Bytes {
  return der(0x30, ...members);
}

export function set(...members: Bytes[]): Bytes {
  return der(0x31, ...members);
}

/** A member of a sequence with a context-specific tag. */
export function tagged(tag: number, content: Bytes): Bytes {
  return der(0xa0 | tag, content);
}

/** An unsigned integer from its bytes, the greatest first. */
export function integer(magnitude: Bytes): Bytes {
  const zeros = magnitude.findIndex((byte) => byte !== 0);
  const digits = zeros < 0 ? bytes(0) : magnitude.subarray(zeros);
  const sign = (digits[0] ?? 0) & 0x80 ? bytes(0) : bytes();
  return der(0x02, sign, digits);
}

/** An object identifier from its dotted numbers, each below 2^28. */
export function oid(dotted: string): Bytes {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const encoded = rest.flatMap((number) => {
    const groups = [number & 0x7f];
    while ((number >>>= 7) > 0) groups.unshift(0x80 | number & 0x7f);
    return groups;
  });
  return der(0x06, bytes(40 * first + second, ...encoded));
}

/** A time to the second, in the years from 1950 to 2049. */
export function utcTime(date: Date): Bytes {
  const digits = date.toISOString().replace(/[-:T]|\..*/g, "").slice(2);
  return der(0x17, ascii(`${digits}Z`));
}
