import type { Clock } from '../../platform/clock.ts';
import type { Tally } from '../../redaction/report.ts';
import {
  TRANSACTION_LIMITS,
  type CounterChange,
  type EngineStore,
  type FlowWrite,
  type NewEntry,
} from '../../engine/store.ts';
import type { ChangedSpan } from './span-book.ts';
import type { WorkspaceContext } from './workspace-context.ts';

/** What one unit is about to append. */
export class Draft {
  /** When all of it was seen: retention counts from there, or a history read today would be old at once. */
  readonly #observed_ms: number;
  readonly entries: NewEntry[] = [];
  readonly writes: FlowWrite[] = [];
  readonly tally: Tally = new Map();
  readonly #labels = new Map<string, { kind: 'workspace' | 'session'; name: string; detail: string }>();
  readonly #skipped = new Map<string, number>();

  constructor(observed_ms: number) {
    this.#observed_ms = observed_ms;
  }

  add(partition_id: number, cursor: string, subject: string, payload: string): void {
    this.entries.push({ partition_id, cursor, subject, observed_ms: this.#observed_ms, payload });
  }

  addSpans(changed: readonly ChangedSpan[]): void {
    for (const span of changed) {
      this.writes.push(span.write);
      if (span.closed) this.add(span.partition_id, `${span.cursor}#span`, span.session, span.item);
    }
  }

  label({ workspace, workspace_hash }: WorkspaceContext, session: string, session_id: string): void {
    this.#labels.set(workspace_hash, { kind: 'workspace', name: workspace.name, detail: workspace.identity });
    this.#labels.set(session, { kind: 'session', name: session_id, detail: workspace_hash });
  }

  labels(): { hash: string; kind: 'workspace' | 'session'; name: string; detail: string }[] {
    return [...this.#labels].map(([hash, label]) => ({ hash, ...label }));
  }

  countSkipped(skipped: Readonly<Record<string, number>>): void {
    for (const [reason, count] of Object.entries(skipped)) if (count > 0) this.#skipped.set(reason, count);
  }

  counters(): CounterChange[] {
    const of = (name: string, counts: ReadonlyMap<string, number>): CounterChange[] =>
      [...counts].map(([label, by]) => ({ name, label, by }));
    return [...of('removed', this.tally), ...of('skipped', this.#skipped)];
  }

  /** The entries in parts that each fit a transaction; at least one part, which may be empty. */
  chunks(): NewEntry[][] {
    const chunks: NewEntry[][] = [[]];
    let bytes = 0;
    for (const entry of this.entries) {
      const current = chunks.at(-1) ?? [];
      const size = Buffer.byteLength(entry.payload ?? '');
      const full = current.length >= TRANSACTION_LIMITS.max_rows || bytes + size > TRANSACTION_LIMITS.max_bytes / 2;
      if (full && current.length > 0) {
        chunks.push([entry]);
        bytes = size;
      } else {
        current.push(entry);
        bytes += size;
      }
    }
    return chunks;
  }
}

/**
 * Appends a draft. Only the last part carries the checkpoint, the flow's writes and the counters: after a crash between
 * two parts the unit is read again, and what was appended is skipped by its cursor.
 */
export async function appendDraft(
  { store, clock }: { store: EngineStore; clock: Clock },
  unit: { source_id: number; checkpoint: string | null },
  draft: Draft,
): Promise<number> {
  const chunks = draft.chunks();
  let appended = 0;
  for (const [i, entries] of chunks.entries()) {
    const last = i === chunks.length - 1;
    const result = await store.append({
      source_id: unit.source_id,
      entries,
      checkpoint: last ? unit.checkpoint : null,
      writes: last ? draft.writes : [],
      counters: last ? draft.counters() : [],
      now_ms: clock.now_ms(),
    });
    appended += result.appended;
  }
  return appended;
}
