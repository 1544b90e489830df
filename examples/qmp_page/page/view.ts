/** The element of the page with an id. */
export function find<E extends HTMLElement>(id: string, type: new () => E): E {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new TypeError(`Cannot find #${id}: it is ${found}`);
}

/** Makes an element. Text of a machine stays text: it cannot act on the page. */
export function element(
  name: string,
  attributes: Record<string, string> = {},
  ...children: (Node | string)[]
): HTMLElement {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** A JSON value over several lines, with its parts marked for the style sheet. */
export function json(value: unknown, indent = ""): (Node | string)[] {
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const items = value.map((item) => json(item, inner));
    return wrapped("[", items, "]", indent);
  }
  if (typeof value === "object" && value !== null) {
    const items = Object.entries(value).map(([key, member]) => [
      element("span", { class: "key" }, JSON.stringify(key)),
      ": ",
      ...json(member, inner),
    ]);
    return wrapped("{", items, "}", indent);
  }
  const text = typeof value === "string" ? JSON.stringify(value) : `${value}`;
  return [element("span", { class: typeof value }, text)];
}

function wrapped(
  open: string,
  items: (Node | string)[][],
  close: string,
  indent: string,
): (Node | string)[] {
  if (items.length === 0) return [open + close];
  const lines = items.flatMap((item, index) => [
    `${index === 0 ? "" : ","}\n${indent}  `,
    ...item,
  ]);
  return [open, ...lines, `\n${indent}${close}`];
}

/** Adds an item to a list that keeps the last ones; returns it. */
export function addItem(
  list: HTMLElement,
  place: "first" | "last",
  item: HTMLElement,
): HTMLElement {
  if (place === "first") list.prepend(item);
  else list.append(item);
  if (list.children.length > 500) {
    (place === "first" ? list.lastElementChild : list.firstElementChild)
      ?.remove();
  }
  return item;
}
