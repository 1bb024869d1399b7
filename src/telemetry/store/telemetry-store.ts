import { ForbiddenError } from '../../platform/errors.ts';
import type { Clock } from '../../platform/clock.ts';
import { LiteralText } from '../../platform/literal-text.ts';
import { Database } from '../../storage/sqlite/database.ts';
import { migrate } from '../../storage/sqlite/migrations.ts';
import type { AnyParsedBody } from '../wire/body.ts';
import {
  countSessions,
  eraseSessions,
  scrub,
  sessionsContaining,
  sessionsNamed,
  workspacesOf,
  type SessionsNamed,
} from './erase-sessions.ts';
import { withdrawSession, withoutErased, type Withdrawal } from './erased-sessions.ts';
import { ingestEvents } from './event-ingest.ts';
import type { Figures } from './figures.ts';
import { findKey, pruneKeys, rememberKey, type IngestCounts, type KeyState } from './idempotency.ts';
import { Interner } from './interner.ts';
import { LocalCalendar } from './local-day.ts';
import type { BatchKey, Principal } from './principal.ts';
import { figuresOf, report, type Reader, type ReportRequest, type TelemetryReport } from './report.ts';
import { ingestSessions } from './session-ingest.ts';
import {
  listSessions,
  showSession,
  type SessionAccount,
  type SessionQuery,
  type SessionSummary,
} from './session-list.ts';
import { ingestSpans } from './span-ingest.ts';
import { ingestSnapshots, ingestWorkspaceFacts } from './workspace-ingest.ts';

export interface TelemetryStoreOptions {
  clock: Clock;
  /** Soft cap of the file; beyond it `ingest` throws FullError and stores nothing. */
  max_bytes?: number;
}

export type IngestResult =
  | ({ outcome: 'stored' } & IngestCounts)
  /** The same batch came before; the counts are those of its first answer. */
  | ({ outcome: 'replayed' } & IngestCounts)
  /** The key came before with another body. Nothing was stored. */
  | { outcome: 'key_reused' };

/** The telemetry of all teams in one SQLite file (`store.db`). Every read and write names its team. */
export class TelemetryStore {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #interner: Interner;

  /** Opens or creates the file, or takes over an open database, and brings its schema up to date. */
  constructor(file: string | Database, options: TelemetryStoreOptions) {
    this.#clock = options.clock;
    this.#db = typeof file === 'string' ? new Database(file) : file;
    if (options.max_bytes !== undefined) this.#db.limitBytes(options.max_bytes);
    migrate(this.#db, new URL('./migrations/', import.meta.url), options.clock.now_ms());
    this.#interner = new Interner(this.#db);
  }

  /**
   * Stores a body in one transaction, with its batch key when there is one: all of it and the key, or nothing. When it
   * has returned, the rows are on disk.
   * @throws ForbiddenError `team.mismatch` when the body names another team than the sender's.
   * @throws FullError when the file has reached its cap.
   */
  ingest(body: AnyParsedBody, principal: Principal, batch: BatchKey | null): IngestResult {
    requireTeam(body, principal);
    try {
      return this.#db.transaction(() => this.#ingestOnce(body, principal, batch));
    } catch (error) {
      this.#interner.forget();
      throw error;
    }
  }

  /** The same, with one commit for all that are asked for in one turn of the event loop; each is stored or refused by itself. */
  async ingestTogether(body: AnyParsedBody, principal: Principal, batch: BatchKey | null): Promise<IngestResult> {
    requireTeam(body, principal);
    return this.#db.together(() => this.#ingestOnce(body, principal, batch), { undone: this.#undone });
  }

  /** Made once: one made beside the work would hold the work's body until the disk has it. */
  readonly #undone = (): void => this.#interner.forget();

  #ingestOnce(body: AnyParsedBody, principal: Principal, batch: BatchKey | null): IngestResult {
    const now_ms = this.#clock.now_ms();
    if (batch) {
      const known = findKey(this.#db, principal.team_id, body.kind, batch);
      if (known.state === 'replayed') return { outcome: 'replayed', ...known.counts };
      if (known.state === 'reused') return { outcome: 'key_reused' };
    }
    const wanted = withoutErased(this.#db, body, principal);
    const erased = body.items.length - wanted.items.length;
    const nothing_left = erased > 0 && wanted.items.length === 0;
    const deduped = erased + (nothing_left ? 0 : this.#ingestItems(wanted, principal, now_ms));
    const counts = { received: body.items.length, deduped };
    if (batch) rememberKey(this.#db, principal.team_id, body.kind, batch, counts, now_ms);
    pruneKeys(this.#db, now_ms);
    return { outcome: 'stored', ...counts };
  }

  #ingestItems(body: AnyParsedBody, principal: Principal, now_ms: number): number {
    switch (body.kind) {
      case 'events':
        return ingestEvents(this.#db, this.#interner, body, principal, now_ms);
      case 'tool_spans':
        return ingestSpans(this.#db, this.#interner, body, principal, now_ms);
      case 'sessions':
        return ingestSessions(this.#db, this.#interner, body, principal, now_ms);
      case 'repo_snapshots':
        return ingestSnapshots(this.#db, this.#interner, body, principal, now_ms);
      case 'workspace_facts':
        return ingestWorkspaceFacts(this.#db, this.#interner, body, principal, now_ms);
    }
  }

  /** What is known of a batch key, without reading the body's items. */
  findKey(team_id: string, kind: AnyParsedBody['kind'], batch: BatchKey): KeyState {
    return findKey(this.#db, team_id, kind, batch);
  }

  /** Aggregates one team's telemetry by a dimension; figures that nothing says are null (R4). */
  report(reader: Reader, request: ReportRequest): TelemetryReport {
    return report(this.#db, reader, request);
  }

  /** One team's sessions, latest activity first. */
  sessions(reader: Reader, query: SessionQuery): SessionSummary[] {
    return listSessions(this.#db, reader, query);
  }

  /** @throws SynclineError `session.unknown`, `session.ambiguous` */
  session(reader: Reader, id: string): SessionAccount {
    return showSession(this.#db, reader, id);
  }

  /** Which of the reader's sessions a project (glob over its name) or a time names; both must fit. Hashes, in no order. */
  sessionsOf(reader: Reader, named: SessionsNamed): string[] {
    return sessionsNamed(this.#db, reader, named);
  }

  /** Hashes of a team's sessions that hold this piece of text: in a value of an event's payload, in a title, or a branch. */
  sessionsContaining(team_id: string, text: string): string[] {
    return sessionsContaining(this.#db, team_id, new LiteralText(text));
  }

  /** How many sessions of a team are here among these hashes. */
  countSessions(team_id: string, hashes: readonly string[]): number {
    return countSessions(this.#db, team_id, hashes);
  }

  /**
   * Removes everything about sessions of a team and leaves no byte of it (R11): the file is written anew, also when there was
   * nothing. No tombstone stays here: the journal keeps them from being brought again. Returns how many there were.
   * @throws StaleError `storage.readers`: removed, but a reader still holds an old copy of the pages; call again.
   */
  eraseSessions(team_id: string, hashes: readonly string[]): number {
    const erased = eraseSessions(this.#db, team_id, hashes);
    this.#interner.forget();
    return erased;
  }

  /**
   * A member takes a session back: all that is here of it goes, and nothing that the member sends of it comes in any more. Its
   * bytes stay in the file until `scrub`. Twice is as once.
   */
  withdrawSession(principal: Pick<Principal, 'team_id' | 'member'>, session_id_hash: string): Withdrawal {
    const result = withdrawSession(this.#db, principal, session_id_hash, this.#clock.now_ms());
    this.#interner.forget();
    return result;
  }

  /** Workspaces, by their hashes, in which sessions of a team worked as far as this store knows them. */
  workspacesOf(team_id: string, hashes: readonly string[]): Map<string, string[]> {
    return workspacesOf(this.#db, team_id, hashes);
  }

  /** Writes the file anew, so that nothing is left of what was removed. @throws StaleError `storage.readers` as `eraseSessions` */
  scrub(): void {
    scrub(this.#db);
  }

  /** Figures since the reader's last midnight. */
  today(reader: Reader): Figures {
    const { start_ms, end_ms } = new LocalCalendar(reader.time_zone).dayOf(this.#clock.now_ms());
    return this.#db.snapshot(() =>
      figuresOf(this.#db, {
        team_id: reader.team_id,
        since_ms: start_ms,
        until_ms: end_ms,
        agent: null,
        workspace_keys: null,
      }),
    );
  }

  sizeBytes(): number {
    return this.#db.sizeBytes();
  }

  close(): void {
    this.#db.close();
  }
}

function requireTeam({ team_id }: AnyParsedBody, principal: Principal): void {
  if (team_id === principal.team_id) return;
  throw new ForbiddenError('team.mismatch', 'The body names another team than the token belongs to', {
    field: 'team_id',
    hint: 'Use the token of the team that the data belongs to.',
  });
}
