/** A call whose result may still come, in this step or after a restart. */
export interface OpenCall {
  tool: string;
  /** Model of the response that made it, so that a call and its outcome are counted under one. */
  model: string | null;
  /** `first_offset` of the response that made it. */
  response: number;
  answered: boolean;
}

/** Unanswered calls are bounded, because a killed agent leaves them open for ever. */
const MAX_CALLS = 256;
/** Answered ones are kept a little: a compaction may append their result lines again. */
const MAX_ANSWERED = 16;

/** The calls of a file by their id, oldest first; part of the checkpoint (names and ids only). */
export class ToolCalls {
  readonly #calls: Map<string, OpenCall>;
  #answered = 0;

  constructor(calls: Iterable<[string, OpenCall]> = []) {
    this.#calls = new Map(calls);
    for (const call of this.#calls.values()) if (call.answered) this.#answered++;
  }

  entries(): [string, OpenCall][] {
    return [...this.#calls];
  }

  open(id: string, call: Omit<OpenCall, 'answered'>): void {
    const known = this.#calls.get(id);
    // A snapshot repeats the block of a call (§2.3); it is the same call.
    if (known?.response === call.response) return;
    if (known?.answered) this.#answered--;
    this.#calls.delete(id);
    this.#calls.set(id, { ...call, answered: false });
    if (this.#calls.size > MAX_CALLS) this.#dropOldest(() => true);
  }

  /** The call that a result answers and whether this is its first answer; null when the call was never seen. */
  answer(id: string): { call: OpenCall; first: boolean } | null {
    const call = this.#calls.get(id);
    if (call === undefined) return null;
    if (call.answered) return { call, first: false };
    call.answered = true;
    this.#answered++;
    if (this.#answered > MAX_ANSWERED) this.#dropOldest((candidate) => candidate.answered);
    return { call, first: true };
  }

  #dropOldest(matches: (call: OpenCall) => boolean): void {
    for (const [id, call] of this.#calls) {
      if (!matches(call)) continue;
      this.#calls.delete(id);
      if (call.answered) this.#answered--;
      return;
    }
  }
}
