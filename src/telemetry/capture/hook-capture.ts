import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import type { EngineStore } from '../../engine/store.ts';
import type { Hashing } from '../../redaction/hashing.ts';
import { saltTag } from '../hooks/build-record.ts';
import type { SpoolRecord } from '../hooks/record.ts';
import type { Labels } from '../labels.ts';
import type { Salt, Salts } from '../salts.ts';
import { appendDraft, Draft } from './draft.ts';
import type { ContentPolicy } from './event-item.ts';
import { endsSession, hookItem, hookSpan, type SessionRecord } from './hook-item.ts';
import { PartitionBook } from './partition-book.ts';
import { closedAt, type SessionRow } from './session-item.ts';
import { addSession, findSession, rememberedWorkspace } from './session-row.ts';
import { SpanBook } from './span-book.ts';
import type { SpanInput } from './span-item.ts';
import { turnsOf } from './turns.ts';
import { WorkspaceContexts, type Workspace, type WorkspaceContext } from './workspace-context.ts';

/** How long a hook waits for the transcript of its session, which may also never come. */
export const TRANSCRIPT_PATIENCE_MS = 60_000;

export interface HookCaptureOptions {
  store: EngineStore;
  db: Database;
  hashing: Hashing;
  salts: Salts;
  labels: Labels;
  clock: Clock;
  content: ContentPolicy;
  /** False for what the configuration excludes. */
  allowed: (workspace: Workspace, cwd: string | null) => boolean;
}

export interface PositionedRecord {
  /** Place in its spool file. */
  cursor: string;
  record: SpoolRecord;
}

export interface HookUnit {
  source_id: number;
  records: readonly PositionedRecord[];
  checkpoint: string;
  skipped: Readonly<Record<string, number>>;
}

type Verdict = { keep: WorkspaceContext } | { drop: string } | 'wait';

/**
 * Journals hook records. They come hashed and redacted from the spool; a record is kept only when capture has kept
 * something of its session's transcript, because only then is it known that the session is not excluded. The workspace
 * alone would not do: two checkouts of one repository have the same, and one of them may lie in an excluded folder. An
 * agent that writes no transcripts was told not to, and its hooks are not kept either.
 */
export class HookCapture {
  readonly #options: HookCaptureOptions;
  readonly #contexts: WorkspaceContexts;
  readonly #partitions: PartitionBook;
  readonly #spans: SpanBook;
  /** By the tag that a record names them by. */
  readonly #salts: ReadonlyMap<string, Salt>;

  constructor(options: HookCaptureOptions) {
    this.#options = options;
    this.#contexts = new WorkspaceContexts(options.hashing, true);
    this.#partitions = new PartitionBook(options.store);
    this.#spans = new SpanBook(options.db);
    const { machine, team } = options.salts;
    const known = team ? [machine, team] : [machine];
    this.#salts = new Map(known.map((salt) => [saltTag(options.hashing, salt.bytes), salt]));
  }

  /** How many records at the beginning can be taken now: up to the first that still waits for its transcript. */
  ready(records: readonly PositionedRecord[]): number {
    const waiting = records.findIndex(({ record }) => this.#judge(record) === 'wait');
    return waiting < 0 ? records.length : waiting;
  }

  /** Journals records that are ready. @throws FullError: the same unit is given again. */
  take(unit: HookUnit): Promise<number> {
    return turnsOf(this.#options.db).run(() => this.#take(unit));
  }

  async #take(unit: HookUnit): Promise<number> {
    const { hashing, clock } = this.#options;
    const draft = new Draft(clock.now_ms());
    draft.readFrom(unit.source_id);
    const dropped = new Map<string, number>();
    const spans: SpanInput[] = [];
    const ended = new Map<string, number>();
    for (const { cursor, record } of unit.records) {
      const verdict = this.#judge(record);
      if (verdict === 'wait' || 'drop' in verdict) {
        const reason = verdict === 'wait' ? 'hook_without_transcript' : verdict.drop;
        dropped.set(reason, (dropped.get(reason) ?? 0) + 1);
        continue;
      }
      const { keep: context } = verdict;
      const named = record as SessionRecord;
      const item = hookItem(named, cursor, context, hashing);
      draft.add(await this.#partitions.partitionId('events', context), cursor, named.session, item);
      for (const [rule, times] of Object.entries(record.removed))
        draft.tally.set(rule, (draft.tally.get(rule) ?? 0) + times);
      const span = hookSpan(named, context, hashing);
      const partition_id = await this.#partitions.partitionId('tool_spans', context);
      if (span) spans.push({ source_id: unit.source_id, cursor, session: named.session, partition_id, ...span });
      if (endsSession(named)) ended.set(named.session, Math.max(named.ts_ms, ended.get(named.session) ?? 0));
    }
    for (const [session, ts_ms] of ended) await this.#endSession(session, ts_ms, draft);
    draft.addSpans(this.#spans.fold(spans));
    draft.countSkipped({ ...unit.skipped, ...Object.fromEntries(dropped) });
    return appendDraft(this.#options, [unit], draft);
  }

  /** Says that a session ended, where anything was told of it; a line with a later time opens it again. */
  async #endSession(hook_session: string, ts_ms: number, draft: Draft): Promise<void> {
    const { labels, allowed, hashing, content } = this.#options;
    const known = this.#findSession(hook_session);
    const workspace = known && rememberedWorkspace(labels, known.row.workspace_hash);
    if (!known || !workspace || !allowed(workspace, null)) return;
    const { session, row, salt } = known;
    const account = closedAt(row.account, ts_ms);
    const told = { session, account, before: row, context: this.#contexts.of(workspace, salt) };
    await addSession(draft, told, { partitions: this.#partitions, hashing, content });
  }

  /** A session that began before the team's salt is known under the machine's, while its hooks name it under the team's. */
  #findSession(hook_session: string): { session: string; row: SessionRow; salt: Salt } | null {
    const { db, hashing, labels } = this.#options;
    const native_id = labels.find(hook_session)?.name;
    if (native_id === undefined) return null;
    for (const salt of this.#salts.values()) {
      const session = hashing.hashWithSalt(salt.bytes, native_id);
      const row = findSession(db, session);
      if (row) return { session, row, salt };
    }
    return null;
  }

  #judge(record: SpoolRecord): Verdict {
    const { labels, clock, allowed } = this.#options;
    if (record.private) return { drop: 'hook_private' };
    const salt = this.#salts.get(record.salt_tag) ?? null;
    if (record.session === null || record.workspace === null || salt === null)
      return { drop: 'hook_without_transcript' };
    const label = labels.find(record.workspace);
    if (!label || !labels.find(record.session)) {
      const age_ms = clock.now_ms() - record.ts_ms;
      return age_ms >= 0 && age_ms < TRANSCRIPT_PATIENCE_MS ? 'wait' : { drop: 'hook_without_transcript' };
    }
    const kind = record.workspace_kind ?? 'path';
    const workspace: Workspace = { identity: label.detail, name: label.name, kind, root: null };
    return allowed(workspace, null) ? { keep: this.#contexts.of(workspace, salt) } : { drop: 'excluded' };
  }
}
