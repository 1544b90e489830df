import { CommandError, QMPServer } from "../../../qmp/mod.ts";
import type { Connection } from "../../../transports/mod.ts";
import type { Message } from "./qmp_script.ts";
import { RawQMPClient } from "./raw_qmp_client.ts";

/** A server that knows the commands of QEMU which the cases use. */
export function standInForQEMU(): QMPServer {
  return new QMPServer({
    commands: {
      "query-name": { arguments: {}, run: () => ({}) },
      "migrate-pause": {
        arguments: {},
        oob: true,
        run: () => {
          throw new CommandError(
            "GenericError",
            "migrate-pause is currently only supported during " +
              "postcopy-active state",
          );
        },
      },
      device_del: {
        arguments: { id: "str" },
        run: ({ id }) => {
          throw new CommandError("DeviceNotFound", `Device '${id}' not found`);
        },
      },
    },
  });
}

const END = '\n{"execute":"query-name","id":"end"}';

/** The answers to an input, up to a marker for their end. */
export async function answers(
  connection: Connection,
  input: Uint8Array,
): Promise<unknown[]> {
  await using client = new RawQMPClient(connection);
  await client.next();
  await client.write(input);
  await client.write(END);
  const seen = [];
  for (let answer = await client.next(); answer; answer = await client.next()) {
    seen.push(comparable(answer));
    if (answer.id === "end") break;
  }
  return seen;
}

/** Parsers differ in their words. */
function comparable(answer: Message): Message {
  const { error } = answer as { error?: Message };
  return typeof error?.desc === "string" && /^JSON parse error/.test(error.desc)
    ? { ...answer, error: { ...error, desc: "JSON parse error" } }
    : answer;
}
