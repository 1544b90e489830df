import {
  configure,
  type LogLevel,
  type LogRecord,
  reset,
} from "@logtape/logtape";

/** Calls `sink` with all that is logged while `run` runs, at the level or above. */
export async function withLogSink(
  lowestLevel: LogLevel,
  sink: (record: LogRecord) => void,
  run: () => Promise<void>,
): Promise<void> {
  await configure({
    sinks: { sink },
    loggers: [
      { category: ["parley"], sinks: ["sink"], lowestLevel },
      { category: ["logtape", "meta"], lowestLevel: "fatal" },
    ],
  });
  try {
    await run();
  } finally {
    await reset();
  }
}

/** The records that are logged while `run` runs, at the level or above. */
export async function logged(
  lowestLevel: LogLevel,
  run: () => Promise<void>,
): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  await withLogSink(lowestLevel, (record) => void records.push(record), run);
  return records;
}

/** The message of a record, as text. */
export function textOf({ message }: LogRecord): string {
  return message.map(String).join("");
}
