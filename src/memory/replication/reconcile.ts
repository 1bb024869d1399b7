/**
 * Anti-entropy. Members with equal vectors must have equal roots (M3); where they have not, a row was damaged on one side
 * or a defect made a difference. The digest trees are walked down where they differ, 16 ways at each step, and the rows
 * are joined by operations, which travel like all others.
 */
import type { RangeDigest, Replica, RowState } from '../replica.ts';
import { WIRE_LIMITS } from './limits.ts';
import type { RowKey } from './messages.ts';

/** What a walk asks of the peer. */
export interface ReconcilePeer {
  digest(prefixes: readonly string[]): Promise<RangeDigest[]>;
  states(keys: readonly RowKey[]): Promise<RowState[]>;
  repair(rows: readonly RowState[]): Promise<number>;
}

export interface Reconciled {
  /** Rows that differed. */
  rows: number;
  /** Operations that repaired them, on both sides. */
  operations: number;
  /** Round trips that it took. */
  messages: number;
  /** More differed than one walk repairs; the next one goes on. */
  more: boolean;
}

/** Rows that one walk repairs at most, so that it ends. */
const MOST_ROWS = 10_000;
const MOST_MESSAGES = 4096;

export async function reconcile(replica: Replica, peer: ReconcilePeer): Promise<Reconciled> {
  const { keys, messages, more } = await differingRows(replica, peer);
  let operations = 0;
  let asked = messages;
  for (let i = 0; i < keys.length; i += WIRE_LIMITS.max_rows) {
    const some = keys.slice(i, i + WIRE_LIMITS.max_rows);
    const theirs = await peer.states(some);
    const ours = await replica.states(some);
    await replica.mend(theirs);
    operations += (await replica.repair(theirs)).length;
    operations += await peer.repair(ours);
    asked += 2;
  }
  return { rows: keys.length, operations, messages: asked, more };
}

async function differingRows(
  replica: Replica,
  peer: ReconcilePeer,
): Promise<{ keys: RowKey[]; messages: number; more: boolean }> {
  const keys: RowKey[] = [];
  const prefixes = [''];
  let messages = 0;
  while (prefixes.length > 0 && keys.length < MOST_ROWS && messages < MOST_MESSAGES) {
    const asked = prefixes.splice(0, WIRE_LIMITS.max_ranges);
    const theirs = new Map((await peer.digest(asked)).map((range) => [range.prefix, range]));
    messages++;
    for (const prefix of asked) {
      const range = theirs.get(prefix);
      if (range) compare(await replica.digest(prefix), range, prefixes, keys);
    }
  }
  return { keys: keys.slice(0, MOST_ROWS), messages, more: prefixes.length > 0 || keys.length > MOST_ROWS };
}

/** Adds what to look at next: ranges that differ, or rows. */
function compare(mine: RangeDigest, theirs: RangeDigest, prefixes: string[], keys: RowKey[]): void {
  if (mine.hash === theirs.hash && mine.rows === theirs.rows) return;
  if (mine.entries && theirs.entries) return void keys.push(...differingEntries(mine, theirs));
  // Where only one side has few enough rows to name them, the other one's division is followed.
  const ours = childrenOf(mine);
  const others = childrenOf(theirs);
  for (const digit of '0123456789abcdef') {
    const prefix = mine.prefix + digit;
    const unknown = !ours || !others;
    if (unknown || ours.get(prefix) !== others.get(prefix)) prefixes.push(prefix);
  }
}

function childrenOf({ children }: RangeDigest): Map<string, string> | null {
  return (
    children &&
    new Map(children.filter(({ rows }) => rows > 0).map(({ prefix, hash, rows }) => [prefix, `${hash} ${rows}`]))
  );
}

function differingEntries(mine: RangeDigest, theirs: RangeDigest): RowKey[] {
  const ours = new Map(mine.entries?.map((entry) => [`${entry.row} ${entry.key}`, entry]));
  const differing: RowKey[] = [];
  for (const { row, key, hash } of theirs.entries ?? []) {
    const name = `${row} ${key}`;
    if (ours.get(name)?.hash !== hash) differing.push({ row, key });
    ours.delete(name);
  }
  for (const { row, key } of ours.values()) differing.push({ row, key });
  return differing;
}
