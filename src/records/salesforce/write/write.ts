/** `SalesforceSide.write`: each change once, by the lane that fits, one result for each, in order. */
import { type RetryPolicy, backoff_ms, defaultRetryPolicy } from '../../../engine/retry.ts';
import { SynclineError } from '../../../platform/errors.ts';
import type { ObjectMapping } from '../../model/mapping.ts';
import type { Found, SalesforceFailure, SalesforceResult, SalesforceWrite } from '../../sides.ts';
import { failure } from '../failure.ts';
import { MAX_READ, readKeys } from '../read.ts';
import { SalesforceCallError } from '../transport.ts';
import { type BulkContext, cellsOf, writeBulk } from './bulk.ts';
import { writeCollection } from './collections.ts';
import { familiesOf, fitsGraph, levelsOf, nodesOf, writeGraphs } from './graph.ts';
import { COLLECTION_RECORDS, chooseLane } from './lane.ts';
import { needsBody, writeOne } from './rest.ts';
import { type Row, failed, notSent, prepare } from './row.ts';

export interface WriterContext extends BulkContext {
  /** Above how many changes of one kind a bulk job is used. */
  readonly bulk_from: number;
}

/**
 * How many records share a call at each attempt of those that a neighbour may have kept from it: locks and limits of
 * triggers go away in smaller company.
 */
const COMPANY = [COLLECTION_RECORDS, 50, 10, 1] as const;
const RETRY: RetryPolicy = { ...defaultRetryPolicy, base_ms: 200, cap_ms: 3_000 };
/** Calls that may be spent to find the rows because of which a whole call was refused. */
const SEARCH_CALLS = 16;

/** Changes of one object among those that go together. */
export interface Part {
  readonly mapping: ObjectMapping;
  readonly writes: readonly SalesforceWrite[];
}

/** Never throws for what Salesforce refuses, nor when the signal aborts: what was not sent says so (`retry`, `aborted`). */
export async function write(
  context: WriterContext,
  mapping: ObjectMapping,
  writes: readonly SalesforceWrite[],
  signal: AbortSignal,
): Promise<SalesforceResult[]> {
  const [results = []] = await writeTogether(context, [{ mapping, writes }], signal);
  return results;
}

/**
 * The same for several objects: a record that refers to one that is created by the same call comes after it, in one go
 * where that is possible. Results as the parts and their changes stand.
 */
export async function writeTogether(
  context: WriterContext,
  parts: readonly Part[],
  signal: AbortSignal,
): Promise<SalesforceResult[][]> {
  const results = new Map<SalesforceWrite, SalesforceResult>();
  const rounds: { mapping: ObjectMapping; row: Row }[][] = [];
  for (const { mapping, writes } of parts) {
    if (writes.length === 0) continue;
    const description = await orFailure(() => context.descriptions.of(mapping.salesforce.object, signal), signal);
    wavesOf(writes).forEach((wave, at) => {
      for (const change of wave) {
        const row = description instanceof Refused ? description.failure : prepare(mapping, change, description);
        if ('class' in row) results.set(change, failed(row));
        else (rounds[at] ??= []).push({ mapping, row });
      }
    });
  }
  for (const round of rounds)
    for (const [change, told] of await writeRound(context, round, signal)) results.set(change, told);
  return parts.map(({ writes }) => writes.map((change) => results.get(change) ?? notSent()));
}

/** Changes of different records: families in one go, all others by object, parents before children. */
async function writeRound(
  context: WriterContext,
  rows: readonly { mapping: ObjectMapping; row: Row }[],
  signal: AbortSignal,
): Promise<Map<SalesforceWrite, SalesforceResult>> {
  const results = new Map<SalesforceWrite, SalesforceResult>();
  const { families, alone } = familiesOf(nodesOf(rows));
  const whole = families.filter(fitsGraph);
  const told = await orFailure(() => writeGraphs(context.transport, whole, signal), signal);
  const plain = [...alone, ...families.filter((family) => !fitsGraph(family)).flat()];
  for (const node of whole.flat()) {
    const result = told instanceof Refused ? failed(told.failure) : (told.get(node.row) ?? notSent());
    // The innocent of a family that failed go again by themselves, their parents first; so does what met a lock.
    if (result.kind === 'failed' && (result.failure.class === 'rolled_back' || isCrowded(result.failure)))
      plain.push(node);
    else results.set(node.row.write, result);
  }
  for (const level of levelsOf(plain))
    for (const [mapping, nodes] of Map.groupBy(level, (node) => node.mapping)) {
      const some = nodes.map(({ row }) => row);
      const done = await new Wave(context, mapping, signal).write(some);
      some.forEach((row, place) => results.set(row.write, done[place] ?? notSent()));
    }
  return results;
}

/** Changes that may go together: each record once, so that two changes of one keep their order. */
function wavesOf(writes: readonly SalesforceWrite[]): SalesforceWrite[][] {
  const seen = new Map<string, number>();
  const waves: SalesforceWrite[][] = [];
  for (const change of writes) {
    const names = [`key ${change.key}`, ...(change.id === null ? [] : [`id ${change.id}`])];
    const wave = Math.max(...names.map((name) => seen.get(name) ?? 0));
    for (const name of names) seen.set(name, wave + 1);
    (waves[wave] ??= []).push(change);
  }
  return waves;
}

/** Changes of different records of one object. */
class Wave {
  readonly #context: WriterContext;
  readonly #mapping: ObjectMapping;
  readonly #signal: AbortSignal;
  #object_is_there: Promise<boolean> | null = null;

  constructor(context: WriterContext, mapping: ObjectMapping, signal: AbortSignal) {
    this.#context = context;
    this.#mapping = mapping;
    this.#signal = signal;
  }

  async write(rows: readonly Row[]): Promise<SalesforceResult[]> {
    const results = new Map<SalesforceWrite, SalesforceResult>();
    const alone = rows.length === 1 && rows.every((row) => !needsBody(row));
    const addressed = alone ? rows : await this.#addressed(rows, results);
    for (const group of Map.groupBy(addressed, kindOf).values()) {
      const told = await this.#settle(group);
      group.forEach((row, place) => results.set(row.write, told[place] ?? notSent()));
    }
    const all = rows.map((row) => results.get(row.write) ?? notSent());
    return Promise.all(all.map((result) => this.#confirmed(result)));
  }

  /**
   * Many records are changed or deleted by their id only; those that are known by key alone are looked up. What is
   * settled by that is put into `results`.
   */
  async #addressed(rows: readonly Row[], results: Map<SalesforceWrite, SalesforceResult>): Promise<Row[]> {
    const unknown = rows.filter(({ action, target }) => action !== 'create' && target.by === 'key');
    const ids = new Map<Row, string>();
    for (let at = 0; at < unknown.length; at += MAX_READ) {
      const some = unknown.slice(at, at + MAX_READ);
      const keys = some.map(({ write: { key } }) => key);
      const found = await orFailure(() => readKeys(this.#context, this.#mapping, keys, this.#signal), this.#signal);
      some.forEach((row, place) => {
        const one = found instanceof Refused ? found : lookedUp(row, found[place]);
        if (typeof one === 'string') ids.set(row, one);
        else results.set(row.write, one instanceof Refused ? failed(one.failure) : one);
      });
    }
    return rows.flatMap((row) => {
      const id = ids.get(row);
      if (id !== undefined) return [{ ...row, target: { by: 'id', id } as const }];
      return results.has(row.write) ? [] : [row];
    });
  }

  /** Writes rows of one kind, and again those that a neighbour or a race kept from it. */
  async #settle(rows: readonly Row[]): Promise<SalesforceResult[]> {
    const results = await this.#send(rows, 0);
    for (let attempt = 1; attempt < COMPANY.length; attempt++) {
      const again = rows.flatMap((_, place) => (goesAgain(rows[place] as Row, results[place], attempt) ? [place] : []));
      if (again.length === 0 || this.#signal.aborted) break;
      await this.#context.timers.sleep(backoff_ms(RETRY, attempt, this.#context.random), this.#signal);
      const told = await this.#send(
        again.map((place) => rows[place] as Row),
        attempt,
      );
      again.forEach((place, at) => (results[place] = told[at] ?? notSent()));
    }
    return results.map(lastWord);
  }

  async #send(rows: readonly Row[], attempt: number): Promise<SalesforceResult[]> {
    const { bulk_from, transport } = this.#context;
    const question = { count: rows.length, dependent: false, bulk_from, calls_left: transport.budget.left() };
    // A second attempt is for the few that failed; a job's own way of grouping may have been the reason.
    if (attempt === 0 && chooseLane(question) === 'bulk') return this.#bulk(rows);
    return this.#collections(rows, COMPANY[attempt] ?? 1);
  }

  async #bulk(rows: readonly Row[]): Promise<SalesforceResult[]> {
    const results = new Map<Row, SalesforceResult>();
    const columns = Map.groupBy(rows, (row) => [...(cellsOf(this.#mapping, row)?.keys() ?? [])].join());
    const few: Row[] = [];
    for (const [header, group] of columns) {
      // A job for a handful costs more calls than it saves.
      if (header === '' || group.length < Math.min(this.#context.bulk_from, COLLECTION_RECORDS * 10))
        few.push(...group);
      else {
        const told = await writeBulk(this.#context, this.#mapping, group, this.#signal);
        told.forEach((result, place) => results.set(group[place] as Row, result));
      }
    }
    const told = await this.#collections(few, COLLECTION_RECORDS);
    told.forEach((result, place) => results.set(few[place] as Row, result));
    return rows.map((row) => results.get(row) ?? notSent());
  }

  async #collections(rows: readonly Row[], size: number): Promise<SalesforceResult[]> {
    const results: SalesforceResult[] = [];
    for (let at = 0; at < rows.length; at += size)
      results.push(...(await this.#together(rows.slice(at, at + size), { left: SEARCH_CALLS })));
    return results;
  }

  /** One call for these, or halves of them when it was refused because of some of them. */
  async #together(rows: readonly Row[], search: { left: number }): Promise<SalesforceResult[]> {
    const [only] = rows;
    if (this.#signal.aborted) return rows.map(notSent);
    if (only !== undefined && rows.length === 1 && !needsBody(only)) return [await this.#one(only)];
    const { results, refused } = await this.#guarded(rows, () =>
      writeCollection(this.#context, this.#mapping, rows, this.#signal),
    );
    if (refused?.class !== 'permanent' || rows.length === 1) return results;
    // One row can make the whole call unreadable for Salesforce; the others are innocent until they have gone alone.
    if (search.left < 2)
      return rows.map(() => failed(failure('rolled_back', refused.code, { fields: refused.fields })));
    search.left -= 2;
    const half = Math.ceil(rows.length / 2);
    const first = await this.#together(rows.slice(0, half), search);
    return [...first, ...(await this.#together(rows.slice(half), search))];
  }

  async #one(row: Row): Promise<SalesforceResult> {
    const { results } = await this.#guarded([row], async () => ({
      results: [await writeOne(this.#context, this.#mapping, row, this.#signal)],
      refused: null,
    }));
    return results[0] ?? notSent();
  }

  /** Being stopped before a call is sent throws; here that is a result, because other rows have theirs already. */
  async #guarded(
    rows: readonly Row[],
    part: () => Promise<{ results: SalesforceResult[]; refused: SalesforceFailure | null }>,
  ): Promise<{ results: SalesforceResult[]; refused: SalesforceFailure | null }> {
    try {
      return await part();
    } catch (error) {
      if (!this.#signal.aborted) throw error;
      return { results: rows.map(notSent), refused: null };
    }
  }

  /**
   * "Not found" is also said of an object that the user may no longer see: only of one that is there may it be concluded
   * that a record is gone (R6).
   */
  async #confirmed(result: SalesforceResult): Promise<SalesforceResult> {
    if (result.kind !== 'gone') return result;
    this.#object_is_there ??= orFailure(
      () => this.#context.descriptions.of(this.#mapping.salesforce.object, this.#signal, { fresh: true }),
      this.#signal,
    ).then((told) => !(told instanceof Refused));
    return (await this.#object_is_there) ? result : failed(failure('retry', 'object_not_seen'));
  }
}

/** Rows of one kind fit into one call. */
function kindOf({ action, target }: Row): string {
  return `${action} ${target.by}`;
}

/** The id of a record to change or delete, or what its absence means. */
function lookedUp({ action }: Row, found: Found | undefined): string | SalesforceResult {
  if (found?.kind === 'record') return found.record.id;
  if (found?.kind === 'ambiguous') return failed(failure('identity', 'MULTIPLE_CHOICES'));
  return action === 'delete' ? { kind: 'gone' } : failed(failure('identity', 'NOT_FOUND'));
}

/** Codes that smaller company may cure: locks, and limits of triggers over a whole call. */
function isCrowded({ class: name, code }: SalesforceFailure): boolean {
  return code === 'UNABLE_TO_LOCK_ROW' || (code === 'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY' && name !== 'permanent');
}

function goesAgain(row: Row, result: SalesforceResult | undefined, attempt: number): boolean {
  if (result?.kind !== 'failed') return false;
  const told = result.failure;
  if (isCrowded(told)) return true;
  if (attempt > 1) return false;
  if (told.class === 'rolled_back') return true;
  // Somebody created it between our look and our write: now it is there, and the same call changes it.
  return told.code === 'DUPLICATE_VALUE' && row.action === 'create';
}

/** A record that meets the limits of a trigger all alone says nothing of the org: it must not hold up the others. */
function lastWord(result: SalesforceResult): SalesforceResult {
  if (result.kind !== 'failed' || result.failure.class !== 'throttle' || !isCrowded(result.failure)) return result;
  const { code, fields } = result.failure;
  return failed(failure('retry', code, { fields }));
}

class Refused {
  readonly failure: SalesforceFailure;
  constructor(told: SalesforceFailure) {
    this.failure = told;
  }
}

/** The part's result, or the failure of a read that it depended on. */
async function orFailure<T>(part: () => Promise<T>, signal: AbortSignal): Promise<T | Refused> {
  try {
    return await part();
  } catch (error) {
    if (error instanceof SalesforceCallError) return new Refused(error.failure);
    if (error instanceof SynclineError && error.code.startsWith('salesforce.'))
      return new Refused(failure('retry', error.code));
    if (signal.aborted) return new Refused(failure('retry', 'aborted'));
    throw error;
  }
}
