import type { Clock } from '../../platform/clock.ts';
import { invariant } from '../../platform/errors.ts';
import type { Tally } from '../../redaction/report.ts';
import {
  APPEND_LIMITS,
  type AppendRequest,
  type CounterChange,
  type EngineStore,
  type FlowWrite,
  type NewEntry,
} from '../../engine/store.ts';
import type { Label } from '../labels.ts';
import type { SessionRow } from './session-item.ts';
import { rememberSpans, type ChangedSpan } from './span-book.ts';
import type { WorkspaceContext } from './workspace-context.ts';

/** How far a source was read, to be committed with what was found up to there. */
export interface ReadSource {
  source_id: number;
  /** Null leaves it where it is. */
  checkpoint: string | null;
}

/** An entry and the source that its cursor is a place in. */
interface SourcedEntry {
  source_id: number;
  entry: NewEntry;
}

/** What one unit, or several of different sources, are about to append. */
export class Draft {
  /** When all of it was seen: retention counts from there, or a history read today would be old at once. */
  readonly #observed_ms: number;
  #source_id = 0;
  readonly writes: FlowWrite[] = [];
  readonly tally: Tally = new Map();
  readonly #entries: SourcedEntry[] = [];
  readonly #sessions = new Map<string, { row: SessionRow; write: FlowWrite }>();
  readonly #labels = new Map<string, Label>();
  readonly #skipped = new Map<string, number>();

  constructor(observed_ms: number) {
    this.#observed_ms = observed_ms;
  }

  /** What is added from here on is from that source. */
  readFrom(source_id: number): void {
    this.#source_id = source_id;
  }

  add(partition_id: number, cursor: string, subject: string, payload: string): void {
    const entry = { partition_id, cursor, subject, observed_ms: this.#observed_ms, payload };
    this.#entries.push({ source_id: this.#source_id, entry });
  }

  addSpans(changed: readonly ChangedSpan[]): void {
    this.writes.push(...rememberSpans(changed.map(({ remembered }) => remembered)));
    for (const { source_id, partition_id, cursor, session, item } of changed) {
      if (item === null) continue;
      this.readFrom(source_id);
      this.add(partition_id, `${cursor}#span`, session, item);
    }
  }

  label({ workspace, workspace_hash }: WorkspaceContext, session: string, session_id: string): void {
    const { name, identity } = workspace;
    if (this.#labels.get(workspace_hash)?.name !== name)
      this.#labels.set(workspace_hash, { hash: workspace_hash, kind: 'workspace', name, detail: identity });
    if (this.#labels.get(session)?.detail !== workspace_hash)
      this.#labels.set(session, { hash: session, kind: 'session', name: session_id, detail: workspace_hash });
  }

  /** What is known of a session from here on; `write` remembers it. Replaces what an earlier unit of this draft said. */
  rememberSession(session: string, row: SessionRow, write: FlowWrite): void {
    this.#sessions.set(session, { row, write });
  }

  /** A session of this draft as it is known so far. */
  findSession(session: string): SessionRow | null {
    return this.#sessions.get(session)?.row ?? null;
  }

  /** All writes of the flow, which commit with the last entries. */
  flowWrites(): FlowWrite[] {
    return [...this.writes, ...[...this.#sessions.values()].map(({ write }) => write)];
  }

  /** A label of this draft, which no file has yet. */
  findLabel(hash: string): Label | undefined {
    return this.#labels.get(hash);
  }

  labels(): Label[] {
    return [...this.#labels.values()];
  }

  countRemoved(removed: Tally): void {
    for (const [rule, count] of removed) this.tally.set(rule, (this.tally.get(rule) ?? 0) + count);
  }

  countSkipped(skipped: Readonly<Record<string, number>>): void {
    for (const [reason, count] of Object.entries(skipped))
      if (count > 0) this.#skipped.set(reason, (this.#skipped.get(reason) ?? 0) + count);
  }

  counters(): CounterChange[] {
    const of = (name: string, counts: ReadonlyMap<string, number>): CounterChange[] =>
      [...counts].map(([label, by]) => ({ name, label, by }));
    return [...of('removed', this.tally), ...of('skipped', this.#skipped)];
  }

  /** The entries in parts that each fit a transaction; at least one part, which may be empty. */
  chunks(): SourcedEntry[][] {
    const chunks: SourcedEntry[][] = [[]];
    let bytes = 0;
    for (const sourced of this.#entries) {
      const current = chunks.at(-1) ?? [];
      const size = Buffer.byteLength(sourced.entry.payload ?? '');
      const full = current.length >= APPEND_LIMITS.max_rows || bytes + size > APPEND_LIMITS.max_bytes * 0.75;
      if (full && current.length > 0) {
        chunks.push([sourced]);
        bytes = size;
      } else {
        current.push(sourced);
        bytes += size;
      }
    }
    return chunks;
  }
}

/**
 * Appends a draft. Only the last part carries the checkpoints, the flow's writes and the counters: after a crash between
 * two parts the units are read again, and what was appended is skipped by its cursor.
 */
export async function appendDraft(
  { store, clock }: { store: EngineStore; clock: Clock },
  sources: readonly ReadSource[],
  draft: Draft,
): Promise<number> {
  const now_ms = clock.now_ms();
  const chunks = draft.chunks();
  const last = chunks.pop() ?? [];
  let appended = 0;
  for (const chunk of chunks) appended += (await store.appendTogether(requestsOf(chunk, [], now_ms))).appended;
  const requests = requestsOf(last, sources, now_ms);
  const carrier = requests.at(-1);
  invariant(carrier, 'a draft is of at least one source');
  carrier.writes = draft.flowWrites();
  carrier.counters = draft.counters();
  return appended + (await store.appendTogether(requests)).appended;
}

/** One request for each source, in the order in which they are met. */
function requestsOf(entries: readonly SourcedEntry[], sources: readonly ReadSource[], now_ms: number): AppendRequest[] {
  const requests = new Map<number, AppendRequest>();
  for (const { source_id, checkpoint } of sources)
    requests.set(source_id, { source_id, entries: [], checkpoint, now_ms });
  for (const { source_id, entry } of entries) {
    const known = requests.get(source_id);
    if (known) known.entries.push(entry);
    else requests.set(source_id, { source_id, entries: [entry], checkpoint: null, now_ms });
  }
  return [...requests.values()];
}
