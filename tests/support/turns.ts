/** Runs all work that is pending in later turns of the event loop. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await null;
}
