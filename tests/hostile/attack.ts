import type { Transport } from "../../transports/mod.ts";

/**
 * One attack of a hostile peer. The module that exports it is loaded in two
 * processes: the victim runs `start()`, the attacker runs `run()` and
 * `serves()`. So the victim's memory and event loop are measured alone.
 */
export interface Attack {
  /** The actions of the hostile peer, in a few words. */
  readonly name: string;
  /** The most MiB by which the victim's resident memory may grow. */
  readonly maxMemory: number;
  /**
   * How long the victim's event loop may be blocked at once, in milliseconds.
   * `deno task siege` checks this bound; CI only prints the figure.
   */
  readonly maxBlock: number;
  /**
   * Starts the server or client under attack, and returns the address at which
   * the attacker finds it. A client under attack connects to a listener that
   * the attacker opens: its attack gives the address of a Unix socket in
   * `folder`, and the client tries until the attacker listens.
   *
   * @param folder A private folder, the same one that the attacker gets.
   */
  start(folder: string): Promise<string>;
  /**
   * Attacks, and returns a few words about the bytes that were sent.
   *
   * @param scale 1 in a siege; a few hundredths in CI.
   */
  run(victim: VictimAddress, scale: number): Promise<string>;
  /**
   * One exchange of a good client with the victim. It runs again and again
   * during the attack, and once after it. An attack on a client has none.
   */
  serves?(victim: VictimAddress): Promise<void>;
}

/** The address of the victim. */
export interface VictimAddress {
  readonly address: string;
  /** The transport that connects to the address. */
  readonly transport: Transport;
  readonly folder: string;
}
