import { type Completion, lastWord } from "./command_line.ts";
import { element, find } from "./view.ts";

/** What a command box asks for. */
export interface CommandBoxHooks {
  complete(line: string): Completion[];
  run(line: string): void;
}

/** A line for commands, with completions and a history. */
export class CommandBox {
  readonly #line = find("line", HTMLInputElement);
  readonly #list = find("completions", HTMLUListElement);
  readonly #hooks: CommandBoxHooks;
  #completions: Completion[] = [];
  /** The index of the completion that is chosen; -1 if none is. */
  #chosen = -1;
  readonly #history: string[] = [];
  /** The place in the history; its length at the line that is typed. */
  #place = 0;

  constructor(hooks: CommandBoxHooks) {
    this.#hooks = hooks;
    this.#line.addEventListener("input", () => this.#open());
    this.#line.addEventListener("blur", () => this.#close());
    this.#line.addEventListener("keydown", (event) => {
      if (event.isComposing || event.ctrlKey || event.metaKey) return;
      if (this.#onKey(event.key, event.shiftKey)) event.preventDefault();
    });
    // The line keeps the focus.
    this.#list.addEventListener("pointerdown", (event) => {
      event.preventDefault();
    });
    find("form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#run();
    });
  }

  /** Acts on a key; false if the key has no meaning here. */
  #onKey(key: string, shift: boolean): boolean {
    switch (key) {
      case "ArrowDown":
        if (this.#place < this.#history.length) this.#recall(1);
        else if (this.#completions.length > 0) this.#choose(this.#chosen + 1);
        else this.#open();
        return true;
      case "ArrowUp":
        if (this.#chosen >= 0) this.#choose(this.#chosen - 1);
        else this.#recall(-1);
        return true;
      case "Tab":
        if (shift || this.#line.value === "") return false;
        if (this.#completions.length === 0) this.#open();
        if (this.#completions.length === 0) return false;
        this.#take(Math.max(this.#chosen, 0));
        return true;
      case "Enter":
        if (this.#chosen < 0) return false;
        this.#take(this.#chosen);
        return true;
      case "Escape":
        this.#close();
        return true;
      default:
        return false;
    }
  }

  #run(): void {
    const line = this.#line.value.trim();
    this.#close();
    if (line === "") return;
    if (line !== this.#history.at(-1)) this.#history.push(line);
    this.#place = this.#history.length;
    this.#line.value = "";
    this.#hooks.run(line);
  }

  #recall(step: number): void {
    const place = this.#place + step;
    if (place < 0 || place > this.#history.length) return;
    this.#place = place;
    this.#line.value = this.#history[place] ?? "";
    this.#close();
  }

  #open(): void {
    this.#completions = this.#hooks.complete(this.#line.value);
    const word = lastWord(this.#line.value);
    const items = this.#completions.map(({ text, hint = "" }, index) => {
      const item = element(
        "li",
        { role: "option", id: `completion-${index}` },
        element("span", {}, ...marked(text.trimEnd(), word)),
        element("small", {}, hint),
      );
      item.addEventListener("click", () => this.#take(index));
      return item;
    });
    this.#list.replaceChildren(...items);
    this.#show();
    this.#choose(-1);
  }

  #close(): void {
    this.#completions = [];
    this.#chosen = -1;
    this.#show();
  }

  #show(): void {
    const isOpen = this.#completions.length > 0;
    this.#list.hidden = !isOpen;
    this.#line.ariaExpanded = String(isOpen);
    this.#line.removeAttribute("aria-activedescendant");
  }

  #choose(index: number): void {
    const { length } = this.#completions;
    this.#chosen = Math.min(index, length - 1);
    for (const [at, item] of [...this.#list.children].entries()) {
      item.ariaSelected = String(at === this.#chosen);
    }
    const chosen = this.#list.children[this.#chosen];
    this.#line.setAttribute("aria-activedescendant", chosen?.id ?? "");
    chosen?.scrollIntoView({ block: "nearest" });
  }

  /** Puts a completion in the place of the last word, and offers what follows. */
  #take(index: number): void {
    const { value } = this.#line;
    const start = value.length - lastWord(value).length;
    this.#line.value = value.slice(0, start) + this.#completions[index]?.text;
    this.#open();
  }
}

/** A text in which a part is marked. */
function marked(text: string, part: string): (Node | string)[] {
  const start = text.indexOf(part);
  if (part === "" || start < 0) return [text];
  const end = start + part.length;
  return [
    text.slice(0, start),
    element("mark", {}, part),
    text.slice(end),
  ];
}
