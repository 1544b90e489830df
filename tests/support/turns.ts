/** Runs all work that is pending in later turns of the event loop. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await null;
}

/** Runs all work that does not wait for a timer, also that of long chains. */
export async function settled(): Promise<void> {
  for (let n = 0; n < 100; n++) await turns();
}
