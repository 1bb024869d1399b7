import type { TranscriptWriter } from '../store/session-store.ts';
import type { PutResult, SourceGone, TranscriptPut, TranscriptState } from '../store/transcript.ts';

/** One request that a destination would make of its store. */
export type RecordedRequest =
  | { kind: 'put'; put: TranscriptPut }
  | { kind: 'gone'; gone: SourceGone }
  | { kind: 'remove'; key: string; reason: 'unshared' | 'erased' };

/**
 * Stands in for a store: writes down what it is asked, sends nothing, and answers as a store does that has what the link
 * says. A destination over it does everything but send.
 */
export class RecordingWriter implements TranscriptWriter {
  #requests: RecordedRequest[] = [];

  /** Those since it was last asked. */
  taken(): RecordedRequest[] {
    const requests = this.#requests;
    this.#requests = [];
    return requests;
  }

  get count(): number {
    return this.#requests.length;
  }

  put(_team_id: string, put: TranscriptPut): Promise<PutResult> {
    this.#requests.push({ kind: 'put', put });
    return Promise.resolve({ kind: 'stored' });
  }

  markGone(_team_id: string, gone: SourceGone): Promise<PutResult> {
    this.#requests.push({ kind: 'gone', gone });
    return Promise.resolve({ kind: 'stored' });
  }

  state(): Promise<TranscriptState | null> {
    return Promise.resolve(null);
  }

  remove(_team_id: string, key: string, _owner: string, reason: 'unshared' | 'erased'): Promise<'removed'> {
    this.#requests.push({ kind: 'remove', key, reason });
    return Promise.resolve('removed');
  }
}
