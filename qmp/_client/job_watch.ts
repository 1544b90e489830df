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

/** Follows a job by its events, from the moment that it is made. */
export class JobWatch implements Disposable {
  readonly #client: QMPClient;
  readonly #id: string;
  readonly #onStatus: ((status: JobStatus) => void) | undefined;
  readonly #listener: QMPEventListener;
  /** Aborted when the caller no longer waits. */
  readonly #over = new AbortController();
  #status: unknown;
  /** The event with the outcome of the block job. */
  #end: QMPEvent | undefined;

  constructor(
    client: QMPClient,
    id: string,
    onStatus: ((status: JobStatus) => void) | undefined,
  ) {
    this.#client = client;
    this.#id = id;
    this.#onStatus = onStatus;
    const names = ["JOB_STATUS_CHANGE", ...BLOCK_JOB_ENDS];
    this.#listener = client.listen(names, {
      filter: (event) => {
        if (!isOf(event, id)) return false;
        // Until then, the events are those of an earlier job with this id.
        if (isCreation(event)) this.#listener.clear();
        return true;
      },
    });
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    this.#over.abort();
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
      if (BLOCK_JOB_ENDS.includes(event.event)) this.#end = event;
      else {
        const status = event.data?.status;
        this.#report(status);
        if (status === "concluded") return await this.#conclude(event);
        if (status === "null") return this.#endInHistory();
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
    const job = await this.#query();
    const heard = this.#listener.history;
    // If the status has changed since the listener was made, there is an event.
    if (!heard.some(({ data }) => data?.status === job?.status)) {
      this.#report(job?.status);
    }
    if (heard.length > 0) return await this.follow();
    if (!job) return this.#endInHistory();
    return job.status === "concluded"
      ? await this.#dismiss(job, undefined)
      : await this.follow();
  }

  #report(status: unknown): void {
    if (typeof status !== "string" || status === this.#status) return;
    this.#status = status;
    this.#onStatus?.(status);
  }

  async #conclude(event: QMPEvent): Promise<QMPEvent> {
    if (this.#end) return this.#succeeded(this.#end);
    const job = await this.#query();
    return job ? await this.#dismiss(job, event) : this.#endInHistory();
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
    return Array.isArray(jobs)
      ? jobs.find((job) => isObject(job) && job.id === this.#id)
      : undefined;
  }

  #execute(command: string, args?: object): Promise<unknown> {
    return this.#client.execute(command, args, { signal: this.#over.signal });
  }

  /** The end of a block job that the session has seen before this watch. */
  #endInHistory(): QMPEvent {
    const events = this.#client.events.history
      .filter((event) => isOf(event, this.#id));
    const end = events.slice(events.findLastIndex(isCreation) + 1)
      .findLast(({ event }) => BLOCK_JOB_ENDS.includes(event));
    if (end) return this.#succeeded(end);
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

/** Whether a job begins, with an id that an earlier job may have had. */
function isCreation({ data }: QMPEvent): boolean {
  return data?.status === "created";
}

function isOf({ data }: QMPEvent, id: string): boolean {
  return data?.id === id || data?.device === id;
}
