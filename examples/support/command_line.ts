/**
 * The arguments of a program, if they fit those that are named, such as
 * `ADDRESS [FILE...]`. Otherwise the program ends with exit code 2.
 *
 * From then on, an error that nobody catches ends the program with one line and
 * without a stack: it tells the user about an argument or a server.
 */
export function commandLine(named: string): string[] {
  reportErrors();
  const { args } = Deno;
  if (args.includes("--help")) {
    console.log(`Arguments: ${named || "none"}`);
    Deno.exit();
  }
  const option = args.find((arg) => arg.startsWith("-"));
  const names = named.match(/\S+/g) ?? [];
  const needed = names.filter((name) => !name.startsWith("["));
  const most = named.includes("...") ? Infinity : names.length;
  const fit = args.length >= needed.length && args.length <= most;
  if (option !== undefined || !fit) {
    const what = option ? `${option} is unknown` : `there are ${args.length}`;
    refuse(`Cannot use the arguments: ${what}, expected ${named || "none"}`);
  }
  return args;
}

/** Ends the program because of what the user has asked for. */
export function refuse(reason: string): never {
  console.error(reason);
  Deno.exit(2);
}

/** Ends the program with one line if there is an error that nobody catches. */
export function reportErrors(): void {
  const report = (event: Event, error: unknown) => {
    event.preventDefault();
    // A text with escape sequences could act on the terminal.
    const text = reasonOf(error).trim().replace(/\s+/g, " ");
    console.error(text.replace(/\p{C}/gu, "?"));
    Deno.exit(1);
  };
  addEventListener("error", (event) => report(event, event.error));
  addEventListener(
    "unhandledrejection",
    (event) => report(event, event.reason),
  );
}

/** What an error says, with its causes, and with the error that came before it. */
function reasonOf(error: unknown): string {
  if (error instanceof SuppressedError) {
    return `${reasonOf(error.suppressed)}; then: ${reasonOf(error.error)}`;
  }
  if (!(error instanceof Error)) return String(error);
  let text = error.message || error.name;
  for (let { cause } = error; cause instanceof Error; { cause } = cause) {
    if (!text.includes(cause.message)) text += `: ${cause.message}`;
  }
  return text;
}
