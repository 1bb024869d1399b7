import type { AgentEvent } from '../../agents/event.ts';
import type { Hashing } from '../../redaction/hashing.ts';
import { Latest } from './remembered-hashing.ts';

/** The hashes of an event's native ids, each made once: entry, origin, span and label all name some of them. */
export interface HashedIds {
  /** 52 bits of its identity: `event_seq`, and its order within a span. */
  seq: number;
  /** Hex digits of the identity's hash, without salt: names its origin in the journal's own file. */
  identity: string;
  /** The identity under the salt. */
  origin: string;
  session: string;
  subagent: string | null;
  call: string | null;
}

/**
 * Hashes ids of events. Identities differ from event to event and are hashed past the memory; sessions and subagents are
 * those of the event before, most times; a call's id comes again with its result.
 */
export class IdHasher {
  readonly #direct: Hashing;
  readonly #remembering: Hashing;
  readonly #sessions = new WeakMap<Uint8Array, { session: Latest<string>; subagent: Latest<string> }>();
  readonly #session52 = new Latest<number>();

  constructor(direct: Hashing, remembering: Hashing) {
    this.#direct = direct;
    this.#remembering = remembering;
  }

  idsOf({ identity, session_id, subagent_id, tool_call_id }: AgentEvent, salt: Uint8Array): HashedIds {
    const direct = this.#direct;
    const known = this.#of(salt);
    const salted = (id: string): string => direct.hashWithSalt(salt, id);
    const digest = direct.digestHex(identity);
    return {
      seq: Number.parseInt(digest.slice(0, 13), 16),
      identity: digest,
      origin: salted(identity),
      session: known.session.of(session_id, salted),
      subagent: subagent_id === null ? null : known.subagent.of(subagent_id, salted),
      call: tool_call_id === null ? null : this.#remembering.hashWithSalt(salt, tool_call_id),
    };
  }

  /** 52 bits of a session's id, the same under every salt. */
  session52(session_id: string): number {
    return this.#session52.of(session_id, (id) => this.#direct.hash52(id));
  }

  #of(salt: Uint8Array): { session: Latest<string>; subagent: Latest<string> } {
    let known = this.#sessions.get(salt);
    if (!known) this.#sessions.set(salt, (known = { session: new Latest(), subagent: new Latest() }));
    return known;
  }
}
