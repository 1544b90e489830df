import { Postgres } from "../../../examples/postgres/client.ts";
import type { Transport } from "../../../mod.ts";
import type { PostgresServer } from "../servers/postgres.ts";

/** A client for the user of a server. */
export function clientOf(
  { user, password }: PostgresServer,
  options: Partial<ConstructorParameters<typeof Postgres>[0]> = {},
): Postgres {
  return new Postgres({ user, password, database: "postgres", ...options });
}

/** A client that is connected to a server. */
export async function connected(
  server: PostgresServer,
  transport: Transport = server.transport,
): Promise<Postgres> {
  const postgres = clientOf(server);
  await postgres.connect(transport);
  return postgres;
}

/** Waits until the server executes a query that sleeps. */
export async function untilActive(
  server: PostgresServer,
  transport: Transport,
  ca?: string,
): Promise<void> {
  await using postgres = clientOf(server, {
    tls: ca ? { caCerts: [ca], serverName: "localhost" } : undefined,
  });
  await postgres.connect(transport);
  const sql = "SELECT 1 FROM pg_stat_activity " +
    "WHERE wait_event = 'PgSleep' AND state = 'active'";
  while ((await postgres.query(sql)).rows.length === 0);
}
