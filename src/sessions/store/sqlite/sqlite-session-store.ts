import type { ConversationMessage } from '../../../agents/conversation.ts';
import type { Clock } from '../../../platform/clock.ts';
import { StaleError } from '../../../platform/errors.ts';
import { LiteralText } from '../../../platform/literal-text.ts';
import { Database } from '../../../storage/sqlite/database.ts';
import { migrate } from '../../../storage/sqlite/migrations.ts';
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
} from '../session-store.ts';
import type { PutResult, SourceGone, TranscriptPut, TranscriptState } from '../transcript.ts';
import { containing } from './containing.ts';
import { editing } from './editing.ts';
import { linked, linksOfSession } from './links.ts';
import { facets, findSession, listSessions, totals } from './lists.ts';
import { readMessages } from './messages.ts';
import { markGone, put, remove, stateOf } from './put.ts';
import { search } from './search.ts';
import { treeAround } from './trees.ts';

export interface SqliteSessionStoreOptions {
  clock: Clock;
  /** Soft cap of the file; beyond it a put throws FullError and stores nothing. */
  max_bytes?: number | undefined;
  /** Default: what `src/sessions/links` finds. */
  links?: LinkFinder | undefined;
}

/**
 * The conversations of all teams in one SQLite file (`session-store.db`). Each call runs to its end before the caller goes
 * on: a process that must answer meanwhile uses `SessionStoreThreads`.
 */
export class SqliteSessionStore implements SessionStore {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #links: LinkFinder;

  /** Opens or creates the file and brings its schema up to date. */
  constructor(path: string, options: SqliteSessionStoreOptions) {
    this.#clock = options.clock;
    this.#links = options.links ?? gitLinks;
    this.#db = new Database(path);
    if (options.max_bytes !== undefined) this.#db.limitBytes(options.max_bytes);
    migrate(this.#db, new URL('./migrations/', import.meta.url), options.clock.now_ms());
  }

  async put(team_id: string, wanted: TranscriptPut): Promise<PutResult> {
    return put(this.#db, { clock: this.#clock, links: this.#links }, team_id, wanted);
  }

  async markGone(team_id: string, gone: SourceGone): Promise<PutResult> {
    return markGone(this.#db, { clock: this.#clock, links: this.#links }, team_id, gone);
  }

  async state(team_id: string, key: string): Promise<TranscriptState | null> {
    return stateOf(this.#db, team_id, key);
  }

  async remove(
    team_id: string,
    key: string,
    owner: string,
    reason: 'unshared' | 'erased',
  ): Promise<'removed' | 'absent' | 'foreign'> {
    return remove(this.#db, { clock: this.#clock, links: this.#links }, team_id, key, owner, reason);
  }

  async list(reader: Reader, filter: SessionFilter, page: Page): Promise<SessionPage> {
    return listSessions(this.#db, reader, filter, page);
  }

  async find(reader: Reader, id: string): Promise<SessionSummary | null> {
    return findSession(this.#db, reader, id);
  }

  async messages(reader: Reader, key: string, from: number, limit: number): Promise<ConversationMessage[]> {
    return readMessages(this.#db, reader, key, from, limit);
  }

  async search(reader: Reader, query: SearchQuery, page: Page): Promise<SearchPage> {
    return search(this.#db, reader, query, page);
  }

  async links(reader: Reader, key: string): Promise<GitLink[]> {
    return linksOfSession(this.#db, reader, key);
  }

  async linked(
    reader: Reader,
    query: GitLinkQuery,
    limit: number,
  ): Promise<{ link: GitLink; session: SessionSummary }[]> {
    return linked(this.#db, this.#links, reader, query, limit);
  }

  async tree(reader: Reader, key: string): Promise<SessionTreeNode | null> {
    return treeAround(this.#db, reader, key);
  }

  async editing(
    reader: Reader,
    path_suffix: string,
    filter: SessionFilter,
    limit: number,
  ): ReturnType<SessionStore['editing']> {
    return editing(this.#db, reader, path_suffix, filter, limit);
  }

  async containing(reader: Reader, text: string): Promise<SessionMatch[]> {
    return containing(this.#db, reader, new LiteralText(text));
  }

  async facets(reader: Reader, filter: SessionFilter): ReturnType<SessionStore['facets']> {
    return facets(this.#db, reader, filter);
  }

  async totals(reader: Reader): ReturnType<SessionStore['totals']> {
    return totals(this.#db, reader);
  }

  async identity(): Promise<string> {
    return this.#db.value<string>('SELECT id FROM store_identity');
  }

  async sizeBytes(): Promise<number> {
    return this.#db.sizeBytes();
  }

  /**
   * Merges the index, where removed texts leave their terms, then writes the file anew.
   * @throws StaleError `storage.readers` when another connection still reads the pages as they were.
   */
  async scrub(): Promise<void> {
    this.#db.run(`INSERT INTO search (search) VALUES ('optimize')`);
    if (this.#db.scrub()) return;
    throw new StaleError('storage.readers', 'Removed, but a reader of the store still holds the pages as they were', {
      hint: 'Do it again once backups and reports that are running have ended.',
    });
  }

  async close(): Promise<void> {
    this.#db.close();
  }
}
