import type { ConversationMessage, ConversationSegment } from '../../src/agents/conversation.ts';
import type { TranscriptWriter } from '../../src/sessions/store/session-store.ts';
import type {
  PutResult,
  SegmentHash,
  SourceGone,
  TranscriptHead,
  TranscriptPut,
  TranscriptState,
} from '../../src/sessions/store/transcript.ts';

export interface HeldTranscript {
  head: TranscriptHead;
  owner: string;
  fingerprint: string;
  hashes: Map<number, string>;
  segments: Map<number, ConversationSegment>;
  arriving: boolean;
}

/** A store of one team's conversations in memory that keeps `TranscriptWriter`; and what it was asked. */
export class MemoryTranscriptWriter implements TranscriptWriter {
  readonly held = new Map<string, HeldTranscript>();
  readonly tombstones = new Map<string, 'unshared' | 'erased'>();
  readonly puts: TranscriptPut[] = [];
  requests = 0;
  /** Thrown by the next request: before it had its effect, or after. */
  fault: { when: 'before' | 'after'; error: Error } | null = null;

  messages(key: string): ConversationMessage[] {
    const segments = [...(this.held.get(key)?.segments.values() ?? [])].sort((a, b) => a.index - b.index);
    return segments.flatMap(({ messages }) => messages);
  }

  put(_team_id: string, put: TranscriptPut): Promise<PutResult> {
    this.puts.push(structuredClone(put));
    return this.#faulty(() => this.#put(structuredClone(put)));
  }

  #put(put: TranscriptPut): PutResult {
    const tombstone = this.tombstones.get(put.key);
    if (tombstone === 'erased' || (tombstone === 'unshared' && put.restores !== true)) return { kind: 'erased' };
    const has = this.held.get(put.key);
    if (has && has.owner !== put.owner) return { kind: 'foreign', owner: has.owner };
    if (has?.fingerprint === put.fingerprint) return { kind: 'already' };
    const sent = new Map(put.segments.map((segment) => [segment.index, segment]));
    const is_whole = put.segment_hashes.every(([index, hash]) => sent.has(index) || has?.hashes.get(index) === hash);
    if ((has?.fingerprint ?? null) !== put.base || !is_whole) return stale(has);
    this.tombstones.delete(put.key);
    const segments = put.segment_hashes.map(([index]): [number, ConversationSegment] => [
      index,
      sent.get(index) ?? has!.segments.get(index)!,
    ]);
    const { head, owner, fingerprint, partial } = put;
    const hashes = new Map(put.segment_hashes);
    this.held.set(put.key, { head, owner, fingerprint, hashes, segments: new Map(segments), arriving: partial });
    return { kind: 'stored' };
  }

  markGone(_team_id: string, { key, base, fingerprint, owner, since_ms }: SourceGone): Promise<PutResult> {
    return this.#faulty(() => {
      const has = this.held.get(key);
      if (this.tombstones.has(key)) return { kind: 'erased' };
      if (has && has.owner !== owner) return { kind: 'foreign', owner: has.owner };
      if (has?.fingerprint === fingerprint) return { kind: 'already' };
      if (has?.fingerprint !== base) return stale(has);
      this.held.set(key, { ...has, fingerprint, head: { ...has.head, presence: { kind: 'source_gone', since_ms } } });
      return { kind: 'stored' };
    });
  }

  state(_team_id: string, key: string): Promise<TranscriptState | null> {
    const has = this.held.get(key);
    return Promise.resolve(
      has ? { fingerprint: has.fingerprint, owner: has.owner, segment_hashes: hashesOf(has) } : null,
    );
  }

  remove(
    _team_id: string,
    key: string,
    owner: string,
    reason: 'unshared' | 'erased',
  ): Promise<'removed' | 'absent' | 'foreign'> {
    return this.#faulty(() => {
      const has = this.held.get(key);
      if (has && has.owner !== owner) return 'foreign';
      if (this.tombstones.get(key) !== 'erased') this.tombstones.set(key, reason);
      return this.held.delete(key) ? 'removed' : 'absent';
    });
  }

  #faulty<T>(work: () => T): Promise<T> {
    this.requests++;
    const { fault } = this;
    this.fault = null;
    if (fault?.when === 'before') return Promise.reject(fault.error);
    const result = work();
    return fault ? Promise.reject(fault.error) : Promise.resolve(result);
  }
}

function stale(has: HeldTranscript | undefined): PutResult {
  return { kind: 'stale', fingerprint: has?.fingerprint ?? null, segment_hashes: has ? hashesOf(has) : [] };
}

function hashesOf({ hashes }: HeldTranscript): SegmentHash[] {
  return [...hashes].sort(([a], [b]) => a - b);
}
