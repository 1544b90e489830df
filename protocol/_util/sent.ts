/** What `send()` returns if there is room: it has resolved already. */
export const SENT = Promise.resolve();
