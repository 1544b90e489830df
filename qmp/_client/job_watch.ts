import { isObject } from "../_wire/client_codec.ts";
import type { QMPClient } from "../client.ts";
import { ExecuteError, JobError } from "../errors.ts";
import type { QMPEventListener } from "../event_listener.ts";
import type { JobStatus } from "../job_status.ts";
import type { QMPEvent, QMPMessage } from "../messages.ts";

/** The events with the outcome of a block job, sent just before it concludes. */
const BLOCK_JOB_ENDS: readonly string[] = [
  "BLOCK_JOB_COMPLETED",
  "BLOCK_JOB_CANCELLED",
];

/** The types of block jobs: the server dismisses them, unless told otherwise. */
const BLOCK_JOB_TYPES: readonly unknown[] = [
  "backup",
  "commit",
  "mirror",
  "stream",
];

/**
 * Follows a job by its events, from the moment that it is made. Several jobs may
 * have its id, one after the other: before it, and after it.
 */
export class JobWatch implements Disposable {
  readonly #client: QMPClient;
  readonly #id: string;
  readonly #onStatus: ((status: JobStatus) => void) | undefined;
  readonly #listener: QMPEventListener;
  /** Aborted when the caller no longer waits. */
  readonly #over = new AbortController();
  #status: unknown;
  /** The last status that has arrived, read or not. */
  #arrived: unknown;
  /** Whether the server has started the job. */
  #started = false;
  /** The event with the outcome of the block job. */
  #end: QMPEvent | undefined;
  /** The creation of another job that has the id after this one. */
  #successor: QMPEvent | undefined;

  constructor(
    client: QMPClient,
    id: string,
    onStatus: ((status: JobStatus) => void) | undefined,
  ) {
    this.#client = client;
    this.#id = id;
    this.#onStatus = onStatus;
    const names = ["JOB_STATUS_CHANGE", ...BLOCK_JOB_ENDS];
    const filter = (event: QMPEvent) => this.#takes(event);
    this.#listener = client.listen(names, { filter });
  }

  /** Whether events have told the job's end. */
  get ended(): boolean {
    return this.#successor !== undefined || this.#arrived === "concluded" ||
      this.#arrived === "null";
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    this.#over.abort();
  }

  /** Tells that the server has started the job, when its answer arrives. */
  start(): void {
    this.#started = true;
  }

  /**
   * Follows a job that starts after this watch was made, and resolves with the
   * event of its success.
   *
   * @throws {JobError} The job has failed, or was cancelled.
   * @throws {EndOfStreamError} The session has ended.
   */
  async follow(): Promise<QMPEvent> {
    for (;;) {
      const event = await this.#listener.next();
      if (event === this.#successor) return this.#outcome();
      if (BLOCK_JOB_ENDS.includes(event.event)) this.#end = event;
      else {
        const status = event.data?.status;
        this.#report(status);
        if (status === "concluded") return await this.#conclude(event);
        if (status === "null") return this.#outcome();
      }
    }
  }

  /**
   * Follows a job that was started before, maybe in another session. If there was
   * no event about its end, it resolves with `undefined`.
   *
   * @throws {JobError} The same, or the server has no such job.
   * @throws {EndOfStreamError} The session has ended.
   */
  async followStarted(): Promise<QMPEvent | undefined> {
    this.start();
    this.#end = endOf(this.#client.events.history, this.#id);
    const job = await this.#query();
    const heard = this.#listener.history;
    // If the status has changed since the listener was made, there is an event.
    if (!heard.some(({ data }) => data?.status === job?.status)) {
      this.#report(job?.status);
    }
    if (heard.length > 0) return await this.follow();
    if (!job) return this.#outcome();
    return job.status === "concluded"
      ? await this.#dismiss(job, undefined)
      : await this.follow();
  }

  #takes(event: QMPEvent): boolean {
    if (this.#successor || !isOf(event, this.#id)) return false;
    if (isCreation(event)) {
      // QEMU creates a job before it answers: a later one is another's.
      if (this.#started && this.#arrived !== undefined) this.#successor = event;
      else {
        // Until then, the events are those of an earlier job.
        this.#listener.clear();
        this.#end = undefined;
      }
    }
    this.#arrived = event.data?.status ?? this.#arrived;
    return true;
  }

  #report(status: unknown): void {
    if (typeof status !== "string" || status === this.#status) return;
    this.#status = status;
    this.#onStatus?.(status);
  }

  async #conclude(event: QMPEvent): Promise<QMPEvent> {
    if (this.#end) return this.#succeeded(this.#end);
    const job = await this.#query();
    return job ? await this.#dismiss(job, event) : this.#outcome();
  }

  /** Takes the outcome of a concluded job, and dismisses it if it would stay. */
  async #dismiss<E>(job: QMPMessage, event: E): Promise<E> {
    if (!BLOCK_JOB_TYPES.includes(job.type)) {
      try {
        await this.#execute("job-dismiss", { id: this.#id });
      } catch (error) {
        // Another client has dismissed it.
        if (!(error instanceof ExecuteError)) throw error;
      }
    }
    if (job.error !== undefined) throw new JobError(this.#id, `${job.error}`);
    return event;
  }

  /** The entry of `query-jobs` for the job. */
  async #query(): Promise<QMPMessage | undefined> {
    const jobs = await this.#execute("query-jobs");
    return Array.isArray(jobs) && !this.#successor
      ? jobs.find((job) => isObject(job) && job.id === this.#id)
      : undefined;
  }

  #execute(command: string, args?: object): Promise<unknown> {
    return this.#client.execute(command, args, { signal: this.#over.signal });
  }

  /** The outcome of a job that the server no longer has. */
  #outcome(): QMPEvent {
    if (this.#end) return this.#succeeded(this.#end);
    throw new JobError(this.#id, "the server has no such job");
  }

  /** The event, if the job succeeded. */
  #succeeded(event: QMPEvent): QMPEvent {
    if (event.event === "BLOCK_JOB_CANCELLED") throw new JobError(this.#id);
    const { error } = event.data ?? {};
    if (error !== undefined) throw new JobError(this.#id, `${error}`);
    return event;
  }
}

/** The outcome of the last block job with an id. */
function endOf(history: readonly QMPEvent[], id: string): QMPEvent | undefined {
  const events = history.filter((event) => isOf(event, id));
  return events.slice(events.findLastIndex(isCreation) + 1)
    .findLast(({ event }) => BLOCK_JOB_ENDS.includes(event));
}

/** Whether a job begins, with an id that an earlier job may have had. */
function isCreation({ data }: QMPEvent): boolean {
  return data?.status === "created";
}

function isOf({ data }: QMPEvent, id: string): boolean {
  return data?.id === id || data?.device === id;
}
