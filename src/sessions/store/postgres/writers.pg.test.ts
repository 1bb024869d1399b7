import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres, type TestPostgres } from '../../../../test/support/postgres.ts';
import { systemClock } from '../../../platform/clock.ts';
import { seededRandom, type Random } from '../../../platform/random.ts';
import { systemTimers } from '../../../platform/timers.ts';
import { callMessage, headOf, keyOf, message, nameOf, nextPut, wholePut } from '../contract/scene.ts';
import { CopyChunks } from '../../../storage/postgres/copy-rows.ts';
import { Postgres } from '../../../storage/postgres/postgres.ts';
import { gitLinks } from '../link-finder.ts';
import type { TranscriptPut } from '../transcript.ts';
import { BlockWriter } from './block-writer.ts';
import { PostgresSessionStore } from './postgres-session-store.ts';
import { putAll } from './put.ts';

const TEAM = 'acme';
const reader = { team_id: TEAM };
const anything = { subagents: true, automated: true };

let cluster: TestPostgres;
beforeAll(async () => {
  // What was acknowledged must outlive a crash: with fsync.
  cluster = await startPostgres(['fsync=on']);
});
afterAll(() => cluster.remove());

const open = (url: string, seed = 1): Promise<PostgresSessionStore> =>
  PostgresSessionStore.open({
    url,
    clock: systemClock,
    timers: systemTimers,
    random: seededRandom(seed),
    max_connections: 3,
  });

const pick = (random: Random, below: number): number => Math.floor(random.unit() * below);

/** A version of a session, which says its number everywhere, so that a mixture of two would show. */
function versionOf(random: Random, name: string, number: string, parent: string | null): TranscriptPut {
  const turns = Array.from({ length: 1 + pick(random, 150) }, (_, i) =>
    i % 5 === 3
      ? callMessage(i, { result: `commit ${number} abcdef0`, category: 'Edit', file_path: `src/${name}.ts` })
      : message(i, `say ${number} ${i}`, { source_uuid: i % 2 === 0 ? `u-${name}-${i}` : null }),
  );
  const head = {
    title: `title ${number}`,
    message_count: turns.length,
    parent_key: parent === null ? null : keyOf(parent),
  };
  return wholePut(headOf(name, head), turns);
}

/** Whether the store has this put, whole: state, messages, title, links and index. */
async function expectWhole(store: PostgresSessionStore, put: TranscriptPut): Promise<void> {
  const messages = put.segments.flatMap((segment) => segment.messages);
  expect(await store.state(TEAM, put.key)).toMatchObject({
    fingerprint: put.fingerprint,
    segment_hashes: put.segment_hashes,
  });
  expect(await store.messages(reader, put.key, 0, 1000)).toEqual(messages);
  expect((await store.find(reader, put.key))?.title).toBe(put.head.title);
}

/** What searches find of each session, told by its number: nothing of another version may be left. */
async function expectFound(store: PostgresSessionStore, puts: readonly TranscriptPut[]): Promise<void> {
  for (const put of puts) {
    const number = put.head.title?.replace('title ', '') ?? '';
    const own = put.segments.flatMap((segment) => segment.messages).filter(({ content }) => content.includes(number));
    const page = await store.search(reader, { text: `"say ${number}"`, ...anything }, { limit: 1000, after: null });
    expect(page.hits.map(({ session, ordinal }) => `${nameOf(session)} ${ordinal}`).sort()).toEqual(
      own.map(({ ordinal }) => `${put.head.native_id.replace('native-', '')} ${ordinal}`).sort(),
    );
  }
  const { total } = await store.search(reader, { text: 'say', ...anything }, { limit: 1, after: null });
  const said = puts.flatMap(({ segments }) => segments).flatMap(({ messages }) => messages);
  expect(total).toBe(said.filter(({ content }) => content !== '').length);
}

/** Nobody can write messages while `work` runs, which can ask whether somebody waits for that. */
async function withLock<T>(url: string, work: (isWaiting: () => Promise<boolean>) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('BEGIN; LOCK TABLE syncline_sessions.message IN ACCESS EXCLUSIVE MODE');
  const result = await work(async () => {
    const { rows } = await client.query<{ waits: boolean }>(
      'SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted) AS waits',
    );
    return rows[0]?.waits === true;
  });
  await client.query('COMMIT');
  await client.end();
  return result;
}

describe('several writers of one PostgreSQL', () => {
  it('leave of every session its newest version and nothing else, whatever they race for', async () => {
    const url = await cluster.createDatabase();
    const stores = await Promise.all([1, 2, 3].map((seed) => open(url, seed)));
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const newest = new Map<string, TranscriptPut>();
    const counts = { stored: 0, stale: 0 };
    const write = async (store: PostgresSessionStore, seed: number): Promise<void> => {
      const random = seededRandom(seed);
      for (let i = 0; i < 25; i++) {
        const puts = Array.from({ length: 1 + pick(random, 3) }, () => pick(random, names.length));
        // Several at once, each over the newest this writer heard of; parents make writers meet at rows of others, too.
        const made = [...new Set(puts)].map((at) => {
          const name = names[at]!;
          const parent = random.unit() < 0.3 ? names[pick(random, names.length)]! : null;
          const next = versionOf(random, name, `n${seed}x${i}x${at}`, parent);
          const before = newest.get(next.key);
          return { name, whole: next, put: before ? nextPut(before, next) : next };
        });
        const results = await store.putMany(
          TEAM,
          made.map(({ put }) => put),
        );
        for (const [j, result] of results.entries()) {
          expect(['stored', 'stale']).toContain(result.kind);
          counts[result.kind as 'stored' | 'stale']++;
          if (result.kind === 'stored') newest.set(made[j]!.put.key, made[j]!.whole);
        }
      }
    };
    await Promise.all(stores.flatMap((store, i) => [write(store, 10 + i), write(store, 20 + i)]));
    const [store] = stores;
    // A writer may have heard of a version after the one that came later: the store's own word says which is newest.
    for (const put of newest.values()) await expectWhole(store!, put);
    await expectFound(store!, [...newest.values()]);
    expect(counts.stored).toBeGreaterThan(50);
    expect(counts.stale).toBeGreaterThan(10);
    for (const one of stores) await one.close();
  });

  it('that bring parents and subagents in one transaction leave one tree, in whatever order they stand', async () => {
    const store = await open(await cluster.createDatabase());
    const parents: Record<string, string | null> = { root: null, next: 'root', agent: 'next', deep: 'agent' };
    const orders = [
      ['root', 'next', 'agent', 'deep'],
      ['deep', 'agent', 'next', 'root'],
      ['agent', 'root', 'deep', 'next'],
    ];
    for (const [round, order] of orders.entries()) {
      const puts = order.map((name) => {
        const parent = parents[name] ?? null;
        const head = {
          parent_key: parent === null ? null : keyOf(`${parent}${round}`),
          relationship: parent === null ? ('' as const) : ('subagent' as const),
        };
        return wholePut(headOf(`${name}${round}`, head), [message(0, `family ${round} says so`)]);
      });
      expect(await store.putMany(TEAM, puts)).toEqual(puts.map(() => ({ kind: 'stored' })));
      for (const name of order) {
        const tree = await store.tree(reader, keyOf(`${name}${round}`));
        expect(JSON.stringify(tree).match(/"native-\w+"/g)).toEqual(
          ['root', 'next', 'agent', 'deep'].map((one) => `"native-${one}${round}"`),
        );
      }
      // Without an id of its own, a message is a copy of another only within one tree.
      const found = await store.search(reader, { text: `"family ${round}"`, ...anything }, { limit: 10, after: null });
      expect(found).toMatchObject({ total: 1, hits: [{ copies: 3 }] });
    }
    expect(await store.list(reader, {}, { limit: 10, after: null })).toMatchObject({ total: 3 });
    await store.close();
  });

  it('write over what they sent once PostgreSQL has all of it, not before', async () => {
    const url = await cluster.createDatabase();
    const store = await open(url);
    const postgres = new Postgres({ url, timers: systemTimers, random: seededRandom(1) });
    const given_back: (readonly Buffer[])[] = [];
    class WatchedChunks extends CopyChunks {
      override giveBack(chunks: readonly Buffer[]): void {
        given_back.push(chunks);
        super.giveBack(chunks);
      }
    }
    const parts = { clock: systemClock, links: gitLinks, blocks: new BlockWriter(), chunks: new WatchedChunks() };
    const put = versionOf(seededRandom(1), 'a', 'n1', null);
    const writing = await withLock(url, async (isWaiting) => {
      const results = putAll(postgres, parts, TEAM, [put], undefined);
      while (!(await isWaiting()));
      expect(given_back).toEqual([]);
      return { results };
    });
    expect(await writing.results).toEqual([{ kind: 'stored' }]);
    expect(given_back.length).toBeGreaterThan(0);
    await expectWhole(store, put);
    await postgres.close();
    await store.close();
  });

  it('have everything that was acknowledged when PostgreSQL crashes in the middle', async () => {
    const url = await cluster.createDatabase();
    const stores = await Promise.all([1, 2, 3, 4].map((seed) => open(url, seed)));
    const acknowledged = new Map<string, TranscriptPut>();
    const inDoubt = new Map<string, TranscriptPut>();
    let crashed = false;
    const write = async (store: PostgresSessionStore, writer: number): Promise<void> => {
      const random = seededRandom(100 + writer);
      for (let i = 0; ; i++) {
        const name = `w${writer}s${pick(random, 4)}`;
        const next = versionOf(random, name, `v${writer}x${i}`, null);
        const before = acknowledged.get(next.key);
        inDoubt.set(next.key, next);
        try {
          expect(await store.put(TEAM, before ? nextPut(before, next) : next)).toEqual({ kind: 'stored' });
          acknowledged.set(next.key, next);
          inDoubt.delete(next.key);
        } catch (error) {
          expect(error).toMatchObject({ code: 'storage.unreachable' });
          expect(crashed).toBe(true);
          return;
        }
        if (acknowledged.size >= 12 && i >= 15 && !crashed) {
          crashed = true;
          stopped = cluster.stop('immediate');
        }
      }
    };
    let stopped: Promise<void> = Promise.resolve();
    await Promise.all(stores.map(write));
    await stopped;
    await cluster.start();
    const [store] = stores;
    const there: TranscriptPut[] = [];
    const keys = new Set([...acknowledged.keys(), ...inDoubt.keys()]);
    for (const key of keys) {
      const state = await store!.state(TEAM, key);
      // One that was under way may have been committed without our hearing of it; then it is there whole, too.
      const possible = [acknowledged.get(key), inDoubt.get(key)].filter((put) => put !== undefined);
      const put = possible.find(({ fingerprint }) => fingerprint === state?.fingerprint);
      if (acknowledged.has(key)) expect(put, 'what was acknowledged').toBeDefined();
      else expect(state === null || put !== undefined).toBe(true);
      if (put) there.push(put);
    }
    for (const put of there) await expectWhole(store!, put);
    await expectFound(store!, there);
    expect(acknowledged.size).toBeGreaterThanOrEqual(12);
    for (const one of stores) await one.close();
  });
});
