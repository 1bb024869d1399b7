import type { KeyedOutcome, SendContext } from '../../engine/keyed/destination.ts';
import type { Task } from '../../engine/keyed/store.ts';
import type { FlowWrite } from '../../engine/transaction.ts';
import type { SessionLink } from './session-link.ts';
import type { SavedLink, SessionLinks } from './session-links.ts';

/** The link of one task during one attempt: as it was read, and what is to be written with the settlement. */
export class LinkWrites {
  readonly link: SessionLink | null;
  readonly #links: Pick<SessionLinks, 'read' | 'write'>;
  readonly #task: Task;
  readonly #context: SendContext;
  #version: number | null;
  /** The newest link, when the table does not have it yet. */
  #unsaved: SessionLink | null = null;
  #saved: SessionLink | null;
  #more: FlowWrite[] = [];

  constructor(links: Pick<SessionLinks, 'read' | 'write'>, destination_id: string, task: Task, context: SendContext) {
    const saved: SavedLink | null = links.read(destination_id, task.key);
    this.link = saved?.link ?? null;
    this.#saved = this.link;
    this.#version = saved?.version ?? null;
    this.#links = links;
    this.#task = task;
    this.#context = context;
  }

  /** Writes that belong to the settlement whatever it is. */
  add(writes: readonly FlowWrite[]): void {
    this.#more.push(...writes);
  }

  /** Before a request; what an earlier request of the attempt came to is written then. */
  async proceed(link: SessionLink | null): Promise<boolean> {
    this.save(link);
    const writes = this.#writes();
    if (!(await this.#context.proceed(this.#task, writes))) return false;
    if (this.#unsaved) {
      this.#version = (this.#version ?? 0) + 1;
      this.#saved = this.#unsaved;
      this.#unsaved = null;
    }
    this.#more = [];
    return true;
  }

  /** Null: the link stays as it is. */
  save(link: SessionLink | null): this {
    if (link !== null && link !== this.#saved) this.#unsaved = link;
    return this;
  }

  done(bytes: number): KeyedOutcome {
    return { kind: 'done', bytes, writes: this.#writes() };
  }

  nothing(): KeyedOutcome {
    return { kind: 'nothing', writes: this.#writes() };
  }

  later(until_ms: number): KeyedOutcome {
    return { kind: 'later', until_ms, writes: this.#writes() };
  }

  failed(
    scope: 'destination' | 'key' | 'key_for_good',
    code: string,
    message: string,
    wait_ms: number | null = null,
  ): KeyedOutcome {
    return { kind: 'failed', failure: { scope, class: code, code, message, wait_ms }, writes: this.#writes() };
  }

  #writes(): FlowWrite[] {
    const { destination_id, key } = this.#task;
    const link = this.#unsaved && [this.#links.write(destination_id, key, this.#unsaved, this.#version)];
    return [...(link ?? []), ...this.#more];
  }
}
