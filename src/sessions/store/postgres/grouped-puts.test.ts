import { describe, expect, it } from 'vitest';
import { InvalidInputError, UnreachableError } from '../../../platform/errors.ts';
import { headOf, message, wholePut } from '../contract/scene.ts';
import type { PutResult, TranscriptPut } from '../transcript.ts';
import { GroupedPuts } from './grouped-puts.ts';

const putOf = (name: string, over: Partial<TranscriptPut> = {}): TranscriptPut =>
  wholePut(headOf(name), [message(0, name)], over);
const nameOf = (put: TranscriptPut): string => put.head.native_id.replace('native-', '');

/** A store that ends its transactions when it is told to. */
class Store {
  readonly groups: string[][] = [];
  readonly #ends: (() => void)[] = [];
  failing: (puts: readonly TranscriptPut[]) => Error | null = () => null;

  readonly writeAll = async (team_id: string, puts: readonly TranscriptPut[]): Promise<PutResult[]> => {
    this.groups.push(puts.map((put) => `${team_id}/${nameOf(put)}`));
    await new Promise<void>((resolve) => this.#ends.push(resolve));
    const error = this.failing(puts);
    if (error) throw error;
    return puts.map((put) => ({ kind: 'foreign', owner: nameOf(put) }));
  };

  /** Ends those that run, and lets the next ones begin. */
  async end(): Promise<void> {
    await turn();
    for (const end of this.#ends.splice(0)) end();
    await turn();
  }
}

const turn = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe('puts that come together', () => {
  it('go in one transaction, and each has its own result; one that comes alone goes at once', async () => {
    const store = new Store();
    const puts = new GroupedPuts(store.writeAll);
    const alone = puts.put('t', putOf('alone'), undefined);
    await turn();
    expect(store.groups).toEqual([['t/alone']]);
    const results = ['a', 'b', 'c'].map((name) => puts.put('t', putOf(name), undefined));
    await turn();
    // While two run, the others wait and then go together.
    const more = ['d', 'e'].map((name) => puts.put('t', putOf(name), undefined));
    await turn();
    expect(store.groups).toEqual([['t/alone'], ['t/a', 't/b', 't/c']]);
    await store.end();
    await store.end();
    expect(store.groups.at(-1)).toEqual(['t/d', 't/e']);
    const kinds = await Promise.all([alone, ...results, ...more]);
    expect(kinds.map((result) => (result.kind === 'foreign' ? result.owner : ''))).toEqual([
      'alone',
      'a',
      'b',
      'c',
      'd',
      'e',
    ]);
  });

  it('are of one team and of different sessions, and puts of one session keep their order', async () => {
    const store = new Store();
    const puts = new GroupedPuts(store.writeAll);
    const given: [string, TranscriptPut][] = [
      ['t', putOf('a', { fingerprint: '1' })],
      ['u', putOf('b')],
      ['t', putOf('a', { fingerprint: '2' })],
      ['t', putOf('b')],
      ['t', putOf('a', { fingerprint: '3' })],
    ];
    const all = Promise.all(given.map(([team, put]) => puts.put(team, put, undefined)));
    for (let i = 0; i < 5; i++) await store.end();
    await all;
    expect(store.groups.flat().filter((one) => one === 't/a')).toHaveLength(3);
    for (const group of store.groups) {
      expect(new Set(group).size).toBe(group.length);
      expect(new Set(group.map((one) => one[0])).size).toBe(1);
    }
  });

  it('do not fail for one of them that does', async () => {
    const store = new Store();
    store.failing = (puts) =>
      puts.some((put) => nameOf(put) === 'bad') ? new InvalidInputError('sessions.put', 'no', { field: 'key' }) : null;
    const puts = new GroupedPuts(store.writeAll);
    const settled = Promise.allSettled(['a', 'bad', 'b'].map((name) => puts.put('t', putOf(name), undefined)));
    for (let i = 0; i < 5; i++) await store.end();
    expect((await settled).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(store.groups).toEqual([['t/a', 't/bad', 't/b'], ['t/a'], ['t/bad'], ['t/b']]);
  });

  it('all fail, once, when there is no store', async () => {
    const store = new Store();
    store.failing = () => new UnreachableError('storage.unreachable', 'gone');
    const puts = new GroupedPuts(store.writeAll);
    const settled = Promise.allSettled(['a', 'b'].map((name) => puts.put('t', putOf(name), undefined)));
    await store.end();
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(store.groups).toHaveLength(1);
  });

  it('are given up while they wait, when the caller wants no more', async () => {
    const store = new Store();
    const puts = new GroupedPuts(store.writeAll);
    const first = [puts.put('t', putOf('a'), undefined)];
    await turn();
    first.push(puts.put('t', putOf('b'), undefined));
    await turn();
    const asked = new AbortController();
    const waiting = puts.put('t', putOf('c'), asked.signal).catch((error: unknown) => error);
    asked.abort(new Error('no more'));
    await store.end();
    expect(await waiting).toEqual(new Error('no more'));
    expect(store.groups.flat()).toEqual(['t/a', 't/b']);
    await Promise.all(first);
  });
});
