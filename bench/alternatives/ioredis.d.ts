/** What the benchmark uses of ioredis, whose own types need those of Node. */
export class Redis {
  constructor(path: string);
  get(key: string): Promise<string | null>;
  set(key: string, value: string): Promise<string>;
  disconnect(): void;
}
