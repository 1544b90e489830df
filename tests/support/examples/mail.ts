import type { Mail } from "../../../examples/smtp/client.ts";

/** A mail from Ann to Bob. */
export function mail(
  subject: string,
  body: string,
  rest: Partial<Mail> = {},
): Mail {
  return {
    from: "ann@example.com",
    to: ["bob@example.com"],
    content: `Subject: ${subject}\n\n${body}`,
    ...rest,
  };
}
