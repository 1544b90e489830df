/** Makes `Math.random()` return one number until it is disposed of. */
export class FixedRandom implements Disposable {
  readonly #random = Math.random;

  constructor(number: number) {
    Math.random = () => number;
  }

  [Symbol.dispose](): void {
    Math.random = this.#random;
  }
}
