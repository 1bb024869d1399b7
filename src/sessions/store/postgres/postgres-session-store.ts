import type { ConversationMessage } from '../../../agents/conversation.ts';
import type { Clock } from '../../../platform/clock.ts';
import { invariant } from '../../../platform/errors.ts';
import { LiteralText } from '../../../platform/literal-text.ts';
import { CopyChunks } from '../../../storage/postgres/copy-rows.ts';
import { migratePostgres } from '../../../storage/postgres/migrations.ts';
import { Postgres, type PostgresOptions } from '../../../storage/postgres/postgres.ts';
import { containingByReading } from '../containing.ts';
import { gitLinks, type LinkFinder } from '../link-finder.ts';
import type {
  GitLink,
  GitLinkQuery,
  Page,
  Reader,
  SearchPage,
  SearchQuery,
  SessionFilter,
  SessionMatch,
  SessionPage,
  SessionStore,
  SessionSummary,
  SessionTreeNode,
  TranscriptBatchWriter,
} from '../session-store.ts';
import type { PutResult, SourceGone, TranscriptPut, TranscriptState } from '../transcript.ts';
import { BlockWriter } from './block-writer.ts';
import { editing } from './editing.ts';
import { GroupedPuts } from './grouped-puts.ts';
import { linked, linksOfSession } from './links.ts';
import { facets, findSession, listSessions, totals } from './lists.ts';
import { readMessages } from './messages.ts';
import { markGone, putAll, remove, stateOf, type WriteParts } from './put.ts';
import { search } from './search.ts';
import { treeAround } from './trees.ts';

export interface PostgresSessionStoreOptions extends PostgresOptions {
  clock: Clock;
  /** Default: what `src/sessions/links` finds. */
  links?: LinkFinder | undefined;
}

/** Tables whose space `scrub` takes back. */
const TABLES = ['session', 'segment', 'message', 'tool_call', 'git_link', 'text_block', 'tombstone'];

/** The conversations of all teams in the schema `syncline_sessions` of a PostgreSQL, for any number of writing processes. */
export class PostgresSessionStore implements SessionStore, TranscriptBatchWriter {
  readonly #postgres: Postgres;
  readonly #parts: WriteParts;
  readonly #puts: GroupedPuts;

  private constructor(postgres: Postgres, parts: WriteParts) {
    this.#postgres = postgres;
    this.#parts = parts;
    this.#puts = new GroupedPuts((team_id, puts) => this.putMany(team_id, puts));
  }

  /**
   * Connects, and brings the schema up to date.
   * @throws UnreachableError, ForbiddenError, UsageError `postgres.url`, SynclineError `storage.newer_schema`
   */
  static async open({ clock, links, ...options }: PostgresSessionStoreOptions): Promise<PostgresSessionStore> {
    const postgres = new Postgres(options);
    try {
      await migratePostgres(postgres, 'syncline_sessions', new URL('./migrations/', import.meta.url));
    } catch (error) {
      await postgres.close();
      throw error;
    }
    const parts = { clock, links: links ?? gitLinks, blocks: new BlockWriter(), chunks: new CopyChunks() };
    return new PostgresSessionStore(postgres, parts);
  }

  /** Puts that come while others are written share a transaction (GroupedPuts). */
  async put(team_id: string, put: TranscriptPut, signal?: AbortSignal): Promise<PutResult> {
    return this.#puts.put(team_id, put, signal);
  }

  async putMany(team_id: string, puts: readonly TranscriptPut[], signal?: AbortSignal): Promise<PutResult[]> {
    return putAll(this.#postgres, this.#parts, team_id, puts, signal);
  }

  async markGone(team_id: string, gone: SourceGone, signal?: AbortSignal): Promise<PutResult> {
    return markGone(this.#postgres, this.#parts, team_id, gone, signal);
  }

  async state(team_id: string, key: string): Promise<TranscriptState | null> {
    return stateOf(this.#postgres, team_id, key);
  }

  async remove(
    team_id: string,
    key: string,
    owner: string,
    reason: 'unshared' | 'erased',
    signal?: AbortSignal,
  ): Promise<'removed' | 'absent' | 'foreign'> {
    return remove(this.#postgres, this.#parts, team_id, key, owner, reason, signal);
  }

  async list(reader: Reader, filter: SessionFilter, page: Page): Promise<SessionPage> {
    return listSessions(this.#postgres, reader, filter, page);
  }

  async find(reader: Reader, id: string): Promise<SessionSummary | null> {
    return findSession(this.#postgres, reader, id);
  }

  async messages(reader: Reader, key: string, from: number, limit: number): Promise<ConversationMessage[]> {
    return readMessages(this.#postgres, reader, key, from, limit);
  }

  async search(reader: Reader, query: SearchQuery, page: Page): Promise<SearchPage> {
    return search(this.#postgres, reader, query, page);
  }

  async links(reader: Reader, key: string): Promise<GitLink[]> {
    return linksOfSession(this.#postgres, reader, key);
  }

  async linked(
    reader: Reader,
    query: GitLinkQuery,
    limit: number,
  ): Promise<{ link: GitLink; session: SessionSummary }[]> {
    return linked(this.#postgres, this.#parts.links, reader, query, limit);
  }

  async tree(reader: Reader, key: string): Promise<SessionTreeNode | null> {
    return treeAround(this.#postgres, reader, key);
  }

  async editing(
    reader: Reader,
    path_suffix: string,
    filter: SessionFilter,
    limit: number,
  ): ReturnType<SessionStore['editing']> {
    return editing(this.#postgres, reader, path_suffix, filter, limit);
  }

  async containing(reader: Reader, text: string): Promise<SessionMatch[]> {
    return containingByReading(this, reader, new LiteralText(text));
  }

  async facets(reader: Reader, filter: SessionFilter): ReturnType<SessionStore['facets']> {
    return facets(this.#postgres, reader, filter);
  }

  async totals(reader: Reader): ReturnType<SessionStore['totals']> {
    return totals(this.#postgres, reader);
  }

  /** Of the tables with their indexes, space that is free within them included. */
  async identity(): Promise<string> {
    const [row] = await this.#postgres.query<{ id: string }>('SELECT id FROM syncline_sessions.store_identity');
    invariant(row, 'the migration named the store');
    return row.id;
  }

  async sizeBytes(): Promise<number> {
    const [row] = await this.#postgres.query<{ bytes: number }>(
      `SELECT sum(pg_total_relation_size(c.oid))::bigint AS bytes FROM pg_class c
       WHERE c.relnamespace = 'syncline_sessions'::regnamespace AND c.relkind = 'r'`,
    );
    return row?.bytes ?? 0;
  }

  /**
   * Vacuums the tables: removed rows and their index entries are gone for every reader, and their space is used again. It
   * is no proof that no byte is left: PostgreSQL overwrites the space of removed rows only when it is used again, and the
   * texts stand in its WAL until that is recycled, in its replicas and backups as long as those are kept. Who needs that
   * proof runs `VACUUM FULL` on the schema, which locks out everybody meanwhile, and lets backups expire.
   */
  async scrub(): Promise<void> {
    const tables = TABLES.map((table) => `syncline_sessions.${table}`).join(', ');
    await this.#postgres.query(`VACUUM ${tables}`);
  }

  async close(): Promise<void> {
    await this.#postgres.close();
  }
}
