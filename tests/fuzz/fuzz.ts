import fc from "fast-check";

/** How long each target is fuzzed: `deno task fuzz SECONDS`, or a little. */
const seconds = Number(Deno.args[0] ?? 0.5);
if (!(seconds > 0)) {
  throw new RangeError(
    `Cannot fuzz: seconds is ${Deno.args[0]}: it must be more than 0`,
  );
}

/** Registers a test that tries inputs for the given time. */
export function fuzz<T>(
  name: string,
  inputs: fc.Arbitrary<T>,
  check: (input: T) => void | Promise<void>,
): void {
  Deno.test(`${name} withstands any input, for ${seconds} s`, async () => {
    let tried = 0;
    let last = Promise.resolve();
    await fc.assert(
      fc.asyncProperty(inputs, (input) => {
        tried++;
        last = (async () => await check(input))();
        last.catch(() => {}); // It is awaited here, or else below.
        return last;
      }),
      {
        numRuns: Number.MAX_SAFE_INTEGER,
        interruptAfterTimeLimit: 1000 * seconds,
        markInterruptAsFailure: false,
      },
    );
    // The time limit may come within a check, which goes on.
    await last;
    console.log(`${name}: ${tried} inputs in ${seconds} s`);
  });
}

/** Bytes of meaningful fragments, with random bytes between them. */
export function bytesOf(
  ...fragments: (string | number[])[]
): fc.Arbitrary<Uint8Array> {
  const encoder = new TextEncoder();
  const known = fragments.map((fragment) =>
    typeof fragment === "string"
      ? encoder.encode(fragment)
      : Uint8Array.from(fragment)
  );
  const part = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...known) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 4 }) },
  );
  return fc.array(part, { maxLength: 30 }).map((parts) =>
    Uint8Array.from(parts.flatMap((part) => [...part]))
  );
}
