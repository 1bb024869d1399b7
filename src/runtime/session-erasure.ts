import type { EngineStore } from '../engine/store.ts';
import { InvalidInputError } from '../platform/errors.ts';
import type { KnownSessions } from '../sessions/capture/known-sessions.ts';
import { SESSIONS_STREAM } from '../sessions/capture/session-sweep.ts';
import type { SessionChoices } from '../sessions/delivery/session-choices.ts';
import type { SessionLinks } from '../sessions/delivery/session-links.ts';
import type {
  Reader,
  SessionFilter,
  SessionStore,
  SessionSummary,
  SessionTreeNode,
} from '../sessions/store/session-store.ts';
import { LOCAL_SESSIONS } from './session-destinations.ts';

export interface ErasureParts {
  engine: EngineStore;
  known: KnownSessions;
  choices: SessionChoices;
  links: SessionLinks;
  store: SessionStore;
  reader: Reader;
  /** Names of the stores besides the local one. */
  destinations: readonly string[];
  now_ms: () => number;
}

/** A conversation that is to go. */
export interface DoomedSession {
  key: string;
  native_id: string;
  messages: number;
  /** The hash of its telemetry; null: it has none of its own. */
  session_hash: string | null;
  /** Null: only the journal knows of it. */
  agent: string | null;
  project: string | null;
  started_at_ms: number | null;
  is_subagent: boolean;
}

/** What was found by a piece of text: whole conversations, and in how many messages of each, its subagents' too, it stands. */
export interface FoundByText {
  sessions: DoomedSession[];
  matches: ReadonlyMap<string, number>;
}

/** What a store besides the local one has of some sessions. */
export interface RemoteErasure {
  destination: string;
  /** It confirmed that they are gone. */
  erased: number;
  /** It was not reached yet, or has not answered. */
  queued: number;
  /** Still there, at a place that is configured no more. */
  unreachable: number;
}

const PAGE = 500;
const KEYS_AT_ONCE = 1_000;
const EVERY_KIND: SessionFilter = { subagents: true, automated: true };

/** Erasing of conversations (R11): which ones are meant, their removal here, and what became of them elsewhere. */
export class SessionErasure {
  readonly #parts: ErasureParts;

  constructor(parts: ErasureParts) {
    this.#parts = parts;
  }

  /**
   * A session by key, the beginning of one, or its agent's id, with the subagents that worked for it; also one that
   * only the journal knows, or that was erased before. Empty: there is none.
   * @throws InvalidInputError `sessions.ambiguous`
   */
  async named(id: string): Promise<DoomedSession[]> {
    const { store, reader } = this.#parts;
    const session = await store.find(reader, id);
    return session === null ? this.#onlyKnown(id) : this.#withSubagents(session);
  }

  #onlyKnown(id: string): DoomedSession[] {
    const keys = this.#parts.known.named(id);
    if (keys.length > 1)
      throw new InvalidInputError('sessions.ambiguous', `${keys.length} sessions are named so`, {
        hint: 'Give more of the id.',
      });
    return keys.map((key) => ({
      key,
      native_id: this.#parts.known.find(key)?.native_id ?? '',
      messages: 0,
      session_hash: null,
      agent: null,
      project: null,
      started_at_ms: null,
      is_subagent: false,
    }));
  }

  /**
   * Every session in whose texts this stands, and those that telemetry (hashes) names besides. A subagent is part of the
   * conversation that it worked for: one of them takes all along.
   */
  async containing(text: string, hashes: ReadonlySet<string>): Promise<FoundByText> {
    const { store, reader } = this.#parts;
    const matches = new Map((await store.containing(reader, text)).map(({ key, messages }) => [key, messages]));
    const found = new Map<string, DoomedSession>();
    const named = hashes.size === 0 ? [] : await this.matching({});
    const of_telemetry = named.filter(({ session_hash }) => session_hash !== null && hashes.has(session_hash));
    const counts = new Map<string, number>();
    for (const key of new Set([...matches.keys(), ...of_telemetry.map((session) => session.key)])) {
      if (found.has(key)) continue;
      const [root, ...subagents] = await this.#withSubagents(await this.#workedFor(key));
      if (!root) continue;
      const whole = [root, ...subagents];
      for (const session of whole) found.set(session.key, session);
      counts.set(
        root.key,
        whole.reduce((sum, session) => sum + (matches.get(session.key) ?? 0), 0),
      );
    }
    return { sessions: [...found.values()], matches: counts };
  }

  /** The conversation that a subagent worked for, over any number of them; any other session is its own. */
  async #workedFor(key: string): Promise<SessionSummary | null> {
    const { store, reader } = this.#parts;
    let session = await store.find(reader, key);
    for (const seen = new Set([key]); session?.relationship === 'subagent' && session.parent_key !== null;) {
      if (seen.has(session.parent_key)) break;
      seen.add(session.parent_key);
      const parent = await store.find(reader, session.parent_key);
      if (parent === null) break;
      session = parent;
    }
    return session;
  }

  async #withSubagents(session: SessionSummary | null): Promise<DoomedSession[]> {
    if (session === null) return [];
    const tree = await this.#parts.store.tree(this.#parts.reader, session.key);
    const node = tree === null ? null : nodeOf(tree, session.key);
    return [session, ...(node === null ? [] : subagentsOf(node))].map(doomed);
  }

  /** Every session of a project (glob over its name) or begun before a time, also what lists hide. */
  async matching(filter: Pick<SessionFilter, 'project' | 'until_ms'>): Promise<DoomedSession[]> {
    const found = new Map<string, DoomedSession>();
    for (const trashed of [false, true])
      for (let after: string | null = null, first = true; first || after !== null; first = false) {
        const page = await this.#page({ ...EVERY_KIND, ...filter, trashed }, after);
        for (const session of page.sessions) found.set(session.key, doomed(session));
        after = page.next;
      }
    return [...found.values()];
  }

  #page(filter: SessionFilter, after: string | null): ReturnType<SessionStore['list']> {
    return this.#parts.store.list(this.#parts.reader, filter, { limit: PAGE, after });
  }

  /** Which of them were not erased before. */
  fresh(keys: readonly string[]): string[] {
    return keys.filter((key) => this.#parts.choices.of(key) !== 'erased');
  }

  /**
   * Removes them from this machine and has every store that has something of them asked to do the same. The choice comes
   * first: once it is on disk nothing brings them back, and whatever is cut off after it is done by doing it again.
   * @throws StaleError `storage.readers`: removed, but a reader still holds an old copy of the pages; call again.
   */
  async erase(keys: readonly string[]): Promise<void> {
    const { engine, choices, store, reader, known, now_ms } = this.#parts;
    choices.erase(keys, now_ms());
    for (const key of keys) {
      const state = await store.state(reader.team_id, key);
      if (state !== null) await store.remove(reader.team_id, key, state.owner, 'erased');
    }
    // Dead letters that held a key let it go on, so that the removal is not held up by an old refusal.
    await engine.keyed.eraseKey(SESSIONS_STREAM, keys, now_ms());
    const touches = keys.flatMap((key) => {
      const session = known.find(key);
      return session ? [{ key, partition_id: session.partition_id, group: session.group }] : [];
    });
    for (let from = 0; from < touches.length; from += KEYS_AT_ONCE)
      await engine.keyed.touch(touches.slice(from, from + KEYS_AT_ONCE), now_ms());
    await store.scrub();
  }

  /** What the stores besides the local one still have; those that never had anything of them are left out. */
  elsewhere(keys: readonly string[]): RemoteErasure[] {
    const { destinations, links } = this.#parts;
    const all = new Set([...destinations, ...links.destinations()]);
    all.delete(LOCAL_SESSIONS);
    return [...all]
      .map((destination) => this.#at(destination, keys, destinations.includes(destination)))
      .filter(({ erased, queued, unreachable }) => erased + queued + unreachable > 0);
  }

  #at(destination: string, keys: readonly string[], is_configured: boolean): RemoteErasure {
    const result = { destination, erased: 0, queued: 0, unreachable: 0 };
    for (const key of keys) {
      const link = this.#parts.links.read(destination, key)?.link;
      if (!link) continue;
      // A withdrawal that was asked for may not have arrived: the store is asked again, to erase.
      const is_there = link.fingerprint !== null || link.state === 'withdrawn';
      if (!is_there) result.erased++;
      else if (is_configured) result.queued++;
      else result.unreachable++;
    }
    return result;
  }
}

function doomed(session: SessionSummary): DoomedSession {
  const { key, native_id, message_count, agent, project, started_at_ms } = session;
  const is_subagent = session.relationship === 'subagent';
  // What a subagent did is counted as its parent's, and stays while that does.
  const session_hash = is_subagent ? null : session.session_hash;
  return { key, native_id, messages: message_count, session_hash, agent, project, started_at_ms, is_subagent };
}

function nodeOf(tree: SessionTreeNode, key: string): SessionTreeNode | null {
  if (tree.session.key === key) return tree;
  for (const child of tree.children) {
    const found = nodeOf(child, key);
    if (found) return found;
  }
  return null;
}

/** Forks and continuations are conversations of their own; subagents are part of the one they worked for. */
function subagentsOf({ children }: SessionTreeNode): SessionSummary[] {
  return children
    .filter(({ session }) => session.relationship === 'subagent')
    .flatMap((child) => [child.session, ...subagentsOf(child)]);
}
