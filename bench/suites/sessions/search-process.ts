/** One process: fills a store on SQLite with conversations, or asks it, or asks only its index. */
import { DatabaseSync } from 'node:sqlite';
import { systemClock } from '../../../src/platform/clock.ts';
import { invariant } from '../../../src/platform/errors.ts';
import { loadHashing } from '../../../src/redaction/hashing.ts';
import { ftsMatch, parseSearch } from '../../../src/sessions/search/query.ts';
import { SessionStoreThreads } from '../../../src/sessions/store/sqlite/session-store-threads.ts';
import { SqliteSessionStore } from '../../../src/sessions/store/sqlite/sqlite-session-store.ts';
import { answer, processInput } from '../../measured-process.ts';
import { median } from '../../harness.ts';
import { searchCorpus, searchQueries, type CorpusQuery } from './search-corpus.ts';
import { TEAM, segmentsOf, transcriptPut } from './transcripts.ts';

export interface SearchInput {
  path: string;
  messages: number;
  queries: number;
  work: 'fill' | 'store' | 'index';
}

export interface SearchFigures {
  /** Of each query, the median of its times. */
  milliseconds: { kind: CorpusQuery['kind']; ms: number }[];
}

const LIMIT = 20;
/** Times that each query is asked. */
const TIMES = 3;

async function fill(path: string, messages: number): Promise<void> {
  const hashing = await loadHashing();
  const store = new SqliteSessionStore(path, { clock: systemClock });
  for (const { name, over, messages: conversation } of searchCorpus(messages)) {
    const { kind } = await store.put(TEAM, transcriptPut(hashing, name, segmentsOf(conversation), over));
    invariant(kind === 'stored', 'every conversation is stored');
  }
  await store.close();
}

/** As the daemon searches. */
async function byStore(path: string, queries: readonly CorpusQuery[]): Promise<SearchFigures> {
  const store = new SessionStoreThreads({ path });
  const figures = await timed(queries, async ({ query }) => {
    await store.search({ team_id: TEAM }, query, { limit: LIMIT, after: null });
  });
  await store.close();
  return figures;
}

const SCOPES = 'title person reply thinking tool_input tool_output'.split(' ');

/** As anybody asks FTS5: the best rows, with nothing known of them but their number; same file, same page cache. */
async function byIndex(path: string, queries: readonly CorpusQuery[]): Promise<SearchFigures> {
  const db = new DatabaseSync(path, { readOnly: true });
  db.exec('PRAGMA cache_size=-8192');
  const statement = db.prepare('SELECT rowid FROM search WHERE search MATCH ? ORDER BY rank LIMIT ?');
  const figures = await timed(queries, async ({ query }) => {
    const expression = parseSearch(query.text);
    invariant(expression, 'there is something to look for');
    statement.all(ftsMatch(expression, SCOPES), LIMIT);
  });
  db.close();
  return figures;
}

/** Asks all in turn, again and again: the pages that a query needs were pushed out by those of the others meanwhile. */
async function timed(
  queries: readonly CorpusQuery[],
  ask: (query: CorpusQuery) => Promise<void>,
): Promise<SearchFigures> {
  const times: number[][] = queries.map(() => []);
  for (let time = 0; time <= TIMES; time++)
    for (const [i, query] of queries.entries()) {
      const began_ms = performance.now();
      await ask(query);
      // The first time compiles statements and code.
      if (time > 0) times[i]?.push(performance.now() - began_ms);
    }
  return { milliseconds: queries.map(({ kind }, i) => ({ kind, ms: median(times[i] ?? []) })) };
}

const { path, messages, queries, work } = processInput<SearchInput>();
if (work === 'fill') {
  await fill(path, messages);
  answer(null);
} else answer(await (work === 'store' ? byStore : byIndex)(path, searchQueries(queries)));
