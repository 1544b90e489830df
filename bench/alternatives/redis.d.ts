/** What the benchmark uses of redis, whose own types need those of Node. */
export interface RedisClient {
  connect(): Promise<unknown>;
  get(key: string): Promise<string | null>;
  set(key: string, value: string): Promise<string>;
  destroy(): void;
}

export function createClient(options: {
  RESP: 3;
  socket: { path: string; tls: false };
}): RedisClient;
