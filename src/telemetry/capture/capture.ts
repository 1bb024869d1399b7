import type { AgentEvent, AgentSession } from '../../agents/event.ts';
import type { Clock } from '../../platform/clock.ts';
import { invariant } from '../../platform/errors.ts';
import type { Hashing } from '../../redaction/hashing.ts';
import type { Tally } from '../../redaction/report.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import type { EngineStore } from '../../engine/store.ts';
import type { Labels } from '../labels.ts';
import type { Salt, Salts } from '../salts.ts';
import { appendDraft, Draft } from './draft.ts';
import { eventItem, type ContentPolicy, type LocatedEvent } from './event-item.ts';
import { Origins } from './origins.ts';
import { IdHasher } from './hashed-ids.ts';
import { PartitionBook } from './partition-book.ts';
import type { KeptEvent, PreparedEvent, PreparedUnit } from './prepared-unit.ts';
import { mergeSessions, type SessionAccount, type SessionRow } from './session-item.ts';
import { addSession, findSession, rememberedWorkspace } from './session-row.ts';
import { rememberedHashing } from './remembered-hashing.ts';
import { SpanBook } from './span-book.ts';
import { hasSpan, spanEvent, spanNames, type SpanInput } from './span-item.ts';
import type { Turns } from '../../platform/turns.ts';
import { turnsOf } from './turns.ts';
import { WorkspaceContexts, type Workspace, type WorkspaceContext } from './workspace-context.ts';

export interface CaptureOptions {
  store: EngineStore;
  /** The journal's own file: the flow tables commit with the entries. */
  db: Database;
  hashing: Hashing;
  salts: Salts;
  labels: Labels;
  clock: Clock;
  content: ContentPolicy;
  /** Whether removed secrets leave a tag that shows which were equal (R23). */
  tags: boolean;
  /** The workspace of a working directory; null = the agent did not say. */
  workspaceOf: (cwd: string | null) => Workspace;
  /** False for what the configuration or the repository excludes: such events are not kept at all. */
  allowed: (workspace: Workspace, cwd: string | null) => boolean;
  /** True for a session that was started to be private, by its agent's id: nothing of it is kept, as of its hooks. */
  isPrivate?: (session_id: string) => boolean;
}

/** An event with its place in the source. */
export interface CapturedEvent {
  cursor: string;
  event: AgentEvent;
  /** Known already, hashed, where the raw working directory never reached us (hooks). */
  workspace?: Workspace;
}

export interface CaptureUnit {
  source_id: number;
  events: readonly CapturedEvent[];
  session: AgentSession | null;
  session_ended_ms?: number | null;
  checkpoint: string;
  /** Lines passed over, by reason. */
  skipped: Readonly<Record<string, number>>;
}

export interface CaptureResult {
  appended: number;
  /** Events that an older session has already. */
  copies: number;
  excluded: number;
}

/**
 * The road from an agent's event to the journal: own it (copies add nothing), find its workspace, hash and redact it,
 * fold it into its span and session, append. Entries, checkpoints and flow tables commit together; what is too large for
 * one transaction commits its first parts without the checkpoints, and reading again skips them by cursor.
 */
export class Capture {
  readonly #options: CaptureOptions;
  readonly #ids: IdHasher;
  readonly #origins: Origins;
  readonly #contexts: WorkspaceContexts;
  readonly #partitions: PartitionBook;
  readonly #spans: SpanBook;
  readonly #turns: Turns;
  /** Of the event that is being prepared. */
  #removed: Tally = new Map();

  /** `migrateFlowTables` must have run on `db`. */
  constructor(options: CaptureOptions) {
    const hashing = rememberedHashing(options.hashing);
    this.#options = { ...options, hashing };
    this.#ids = new IdHasher(options.hashing, hashing);
    this.#origins = new Origins(options.db);
    this.#contexts = new WorkspaceContexts(hashing, options.tags);
    this.#partitions = new PartitionBook(options.store);
    this.#spans = new SpanBook(options.db);
    this.#turns = turnsOf(options.db);
  }

  /** Whether events need what was said (`ReadLimits.without_content`). */
  get keepsContent(): boolean {
    return this.#options.content !== 'none';
  }

  /** Removes secrets from a name that somebody keeps on the disk (`ReadLimits.cleanName`). */
  readonly cleanName = (name: string): string => {
    const { salts, clock, workspaceOf } = this.#options;
    return this.#contexts.of(workspaceOf(null), salts.at(clock.now_ms())).redactor.redactText(name);
  };

  /**
   * Journals one unit of a source.
   * @throws FullError when the journal is full: the source waits and the same unit is given again.
   */
  async take(unit: CaptureUnit): Promise<CaptureResult> {
    return this.takeTogether([await this.prepare(unit)]);
  }

  /** Hashes and redacts a unit. What comes of it no longer needs what it was read from, and may be given up at any time. */
  async prepare(unit: CaptureUnit): Promise<PreparedUnit> {
    const { source_id, session, session_ended_ms = null, checkpoint, skipped } = unit;
    const events: PreparedEvent[] = [];
    for (const captured of unit.events) {
      const { cursor, event } = captured;
      const located = this.#located(captured, source_id);
      // A promise is awaited only where there is one: most events are in partitions that were met before.
      if (located && !this.#partitionsOf(located)) await this.#openPartitions(located);
      const identity = located?.ids.identity ?? this.#options.hashing.digestHex(event.identity);
      const occurrence = this.#origins.occurrence(event, identity, this.#ids.session52(event.session_id));
      events.push({ cursor, session_id: event.session_id, occurrence, kept: located && this.#kept(located) });
    }
    return { source_id, events, session, session_ended_ms, checkpoint, skipped };
  }

  /**
   * Journals units of different sources, in this order, with one commit: all of them or none. At most one of each source,
   * so that a kill lets no more than that be read again (P7). Throws as `take` does.
   */
  takeTogether(units: readonly PreparedUnit[]): Promise<CaptureResult> {
    return this.#turns.run(() => this.#take(units));
  }

  /** Appends spans that have been open for an hour as orphaned, so that a call without a result is seen everywhere. */
  closeOrphans(source_id: number, older_than_ms: number): Promise<number> {
    return this.#turns.run(() => this.#closeOrphans(source_id, older_than_ms));
  }

  async #take(units: readonly PreparedUnit[]): Promise<CaptureResult> {
    const draft = new Draft(this.#options.clock.now_ms());
    const selection = this.#origins.selection(
      units.flatMap(({ events }) => events.map(({ occurrence }) => occurrence)),
    );
    const spans: SpanInput[] = [];
    const result: CaptureResult = { appended: 0, copies: 0, excluded: 0 };
    for (const unit of units) {
      draft.readFrom(unit.source_id);
      const fresh = selection.fresh(unit.events);
      const kept = fresh.filter(isKept);
      for (const event of kept) addEvent(event, draft, spans);
      // A unit whose every event is excluded by now says nothing of its session either, and one without events begins none.
      if (unit.session && (kept.length > 0 || fresh.length === 0))
        await this.#addSession(unit, unit.session, kept, draft);
      const copies = unit.events.length - fresh.length;
      const excluded = fresh.length - kept.length;
      draft.countSkipped({ ...unit.skipped, copy: copies, excluded });
      result.copies += copies;
      result.excluded += excluded;
    }
    draft.addSpans(this.#spans.fold(spans));
    draft.writes.push(...selection.writes());
    await this.#options.labels.remember(draft.labels());
    return { ...result, appended: await appendDraft(this.#options, units, draft) };
  }

  async #closeOrphans(source_id: number, older_than_ms: number): Promise<number> {
    const orphans = this.#spans.openSince(older_than_ms);
    const draft = new Draft(this.#options.clock.now_ms());
    draft.readFrom(source_id);
    for (const orphan of orphans) {
      draft.add(orphan.partition_id, `orphan:${orphan.span_id_hash}`, orphan.session, orphan.item);
      draft.writes.push(orphan.write);
    }
    if (orphans.length === 0) return 0;
    return appendDraft(this.#options, [{ source_id, checkpoint: null }], draft);
  }

  /** Where an event belongs; null when that is excluded. */
  #located({ cursor, event, workspace }: CapturedEvent, source_id: number): Located | null {
    const { salts, workspaceOf, allowed } = this.#options;
    const found = workspace ?? workspaceOf(event.cwd);
    if (!allowed(found, event.cwd) || this.#options.isPrivate?.(event.session_id) === true) return null;
    const context = this.#contexts.of(found, salts.at(event.ts_ms));
    return { source_id, cursor, event, context, ids: this.#ids.idsOf(event, context.salt.bytes) };
  }

  #kept(located: Located): KeptEvent {
    const { hashing, content } = this.#options;
    const { context, ids } = located;
    const partitions = this.#partitionsOf(located);
    invariant(partitions, 'the partitions of an event are open before it is prepared');
    const payload = eventItem(located, hashing, content, this.#removed);
    const span = this.#spanInput(located, partitions.tool_spans);
    return {
      context,
      session: ids.session,
      partition_id: partitions.events,
      payload,
      removed: this.#takeRemoved(),
      span,
    };
  }

  /** What was removed since it was asked last; null = nothing, as of most events. */
  #takeRemoved(): Tally | null {
    if (this.#removed.size === 0) return null;
    const removed = this.#removed;
    this.#removed = new Map();
    return removed;
  }

  /** Undefined while one that it needs was not asked for. */
  #partitionsOf({ context, event }: Located): { events: number; tool_spans: number } | undefined {
    const events = this.#partitions.knownId('events', context);
    const tool_spans = hasSpan(event) ? this.#partitions.knownId('tool_spans', context) : events;
    return events === undefined || tool_spans === undefined ? undefined : { events, tool_spans };
  }

  async #openPartitions({ context, event }: Located): Promise<void> {
    await this.#partitions.partitionId('events', context);
    if (hasSpan(event)) await this.#partitions.partitionId('tool_spans', context);
  }

  #spanInput(located: Located, partition_id: number): SpanInput | null {
    const { hashing } = this.#options;
    const { source_id, cursor, ids } = located;
    const span = spanEvent(located, hashing);
    if (span === null) return null;
    const names = spanNames(located, `${span.seq}:${span.ts_ms}`, hashing);
    return { source_id, cursor, session: ids.session, event: span, names, partition_id };
  }

  async #addSession(
    { session_ended_ms: ended_at_ms }: PreparedUnit,
    session: AgentSession,
    kept: readonly FreshEvent[],
    draft: Draft,
  ): Promise<void> {
    const { hashing, allowed, content } = this.#options;
    const known = this.#knownSession(session, draft);
    const { salt, hash, row } = known;
    if (row === null && kept.length === 0) return;
    const workspace = this.#workspaceOfSession(session, known, kept, draft);
    if (!allowed(workspace, session.cwd) || this.#options.isPrivate?.(session.session_id) === true) return;
    const context = this.#contexts.of(workspace, salt);
    const reported = { ...this.#accountOf(session, context, draft), ended_at_ms, closed_ms: null, reopened_ms: null };
    const account = row ? mergeSessions(row.account, reported) : reported;
    const told = { session: hash, account, before: row, context };
    if (await addSession(draft, told, { partitions: this.#partitions, hashing, content }))
      draft.label(context, hash, session.session_id);
  }

  /**
   * Hashed and cleaned before it is merged with what is known, because what is known rests in the journal's file: raw
   * ids and paths stay out of it.
   */
  #accountOf(session: AgentSession, { redactor, salt }: WorkspaceContext, { tally }: Draft): ReportedSession {
    const clean = (text: string | null): string | null => (text === null ? null : redactor.redactText(text, tally));
    const { agent, model, git_branch, agent_version, title, started_at_ms, last_at_ms, parent_session_id } = session;
    return {
      agent,
      started_at_ms,
      last_at_ms,
      parent: parent_session_id === null ? null : this.#options.hashing.hashWithSalt(salt.bytes, parent_session_id),
      model: clean(model),
      git_branch: clean(git_branch),
      agent_version: clean(agent_version),
      title: this.#options.content === 'none' ? null : clean(title),
    };
  }

  /** The row of a session; a subagent's file knows no start, so its parent's row says under which salt it began. */
  #knownSession({ session_id, started_at_ms }: AgentSession, draft: Draft): KnownRow {
    const { db, hashing, salts } = this.#options;
    const possible = started_at_ms === null ? [salts.team, salts.machine] : [salts.at(started_at_ms)];
    const rows = possible
      .filter((salt) => salt !== null)
      .map((salt): KnownRow => {
        const hash = hashing.hashWithSalt(salt.bytes, session_id);
        return { salt, hash, row: draft.findSession(hash) ?? findSession(db, hash) };
      });
    const [first] = rows;
    invariant(first, 'every session has a salt');
    return rows.find(({ row }) => row !== null) ?? first;
  }

  /**
   * The folder is told once, in the step that finds it; later the session stays where it was. A fork's may have been told
   * before it said anything of its own; then it is where its first own event is.
   */
  #workspaceOfSession(
    { cwd, session_id }: AgentSession,
    { row }: KnownRow,
    kept: readonly FreshEvent[],
    draft: Draft,
  ): Workspace {
    const { workspaceOf, labels } = this.#options;
    if (cwd !== null) return workspaceOf(cwd);
    const labelled = { find: (hash: string) => draft.findLabel(hash) ?? labels.find(hash) };
    const remembered = row === null ? null : rememberedWorkspace(labelled, row.workspace_hash);
    if (remembered) return remembered;
    const own = kept.find((event) => event.session_id === session_id);
    return own?.kept.context.workspace ?? workspaceOf(null);
  }
}

interface Located extends LocatedEvent {
  source_id: number;
  cursor: string;
}

/** An event that says something new and is not excluded. */
type FreshEvent = PreparedEvent & { kept: KeptEvent };

function isKept(event: PreparedEvent): event is FreshEvent {
  return event.kept !== null;
}

function addEvent({ cursor, session_id, kept }: FreshEvent, draft: Draft, spans: SpanInput[]): void {
  const { partition_id, session, context, payload, removed, span } = kept;
  draft.add(partition_id, cursor, session, payload);
  draft.label(context, session, session_id);
  if (removed) draft.countRemoved(removed);
  if (span) spans.push(span);
}

type ReportedSession = Omit<SessionAccount, 'ended_at_ms' | 'closed_ms' | 'reopened_ms'>;

/** What the journal's file knows of a session that is being told. */
interface KnownRow {
  salt: Salt;
  /** The session's id under that salt. */
  hash: string;
  row: SessionRow | null;
}
