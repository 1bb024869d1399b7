/** All rows instead of operations, for a peer that stands before the beginning of the log, or on another branch of one. */
import { uuidv7 } from '../../platform/random.ts';
import { joinVectors, type VersionVector } from '../origin.ts';
import type { SnapshotPage } from '../replica.ts';
import type { ReplicationContext } from './context.ts';
import type { Speaker } from './members.ts';
import { ExchangeError, type Conversation } from './conversation.ts';

/** A transfer that was begun; after a cut the next attempt goes on with it. */
interface Begun {
  /** Another one may have another disk. */
  peer: Speaker | null;
  /** What the giver had before the first page. */
  vector: VersionVector;
  joins: boolean;
  after: string;
}

export class SnapshotTransfer {
  readonly #context: ReplicationContext;
  readonly #peer: Conversation;
  #giving: (Begun & { id: string; page: number }) | null = null;
  #fetching: Begun | null = null;

  constructor(context: ReplicationContext, peer: Conversation) {
    this.#context = context;
    this.#peer = peer;
  }

  /** Gives the peer all our rows and then the vector that we had before the first of them. `joins`: `SeedPart`. */
  async give(joins: boolean, signal: AbortSignal): Promise<void> {
    const { replica, members, clock, random } = this.#context;
    const peer = this.#peer.speaker;
    if (this.#giving?.peer !== peer || this.#giving.joins !== joins)
      this.#giving = {
        ...{ peer, joins, page: 0, after: '' },
        ...{ vector: replica.vector(), id: uuidv7(clock.now_ms(), random) },
      };
    const giving = this.#giving;
    for (;;) {
      const began = replica.vector();
      const { rows, next }: SnapshotPage = await replica.snapshot(giving.after);
      const of = { after: giving.after, next, vector: began };
      const adopt = next === null ? giving.vector : null;
      const wanted = await this.#peer.seed({ transfer: giving.id, page: giving.page, rows, of, joins, adopt }, signal);
      if (wanted === null) {
        this.#giving = null;
        if (peer !== null && peer === this.#peer.speaker) members.given(peer, giving.vector);
        return;
      }
      // It has the page already when the answer to it was lost; it was restarted when it wants another one.
      if (wanted !== giving.page + 1 || next === null) this.#beginAnew();
      giving.page++;
      giving.after = next;
    }
  }

  #beginAnew(): never {
    this.#giving = null;
    throw new ExchangeError('memory.seed', 'The peer lost count of the snapshot; it begins anew', false);
  }

  /** Fetches all rows of the peer, then counts everything as had that it had before the first of them. */
  async fetch(joins: boolean, signal: AbortSignal): Promise<void> {
    const { replica, ahead } = this.#context;
    if (this.#fetching?.peer !== this.#peer.speaker || this.#fetching.joins !== joins) this.#fetching = null;
    for (;;) {
      const after: string = this.#fetching?.after ?? '';
      const part = await this.#peer.snapshot(after, signal);
      const begun = (this.#fetching ??= { peer: this.#peer.speaker, vector: part.vector, joins, after: '' });
      ahead.vector = joinVectors(ahead.vector, part.vector);
      await replica.applySnapshot(part.rows, joins ? undefined : { ...part, after });
      if (part.next === null) {
        this.#fetching = null;
        return replica.adopt(begun.vector);
      }
      begun.after = part.next;
    }
  }
}
