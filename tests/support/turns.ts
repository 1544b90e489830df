/** Runs pending microtasks, and chains of up to 100 of them. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await null;
}

/** Runs pending microtasks, and chains of up to 10,000 of them. */
export async function settled(): Promise<void> {
  for (let n = 0; n < 100; n++) await turns();
}
