/** What changed in Salesforce since the last look: the objects without change events, and after a hole (§12.3). */
import { z } from 'zod';
import { InvalidInputError, SynclineError } from '../../platform/errors.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import { fullSalesforceId } from '../model/salesforce-id.ts';
import type { PollPage } from '../sides.ts';
import { PAGE_RECORDS, type RawRecord, queryPage, soql, soqlMoment, soqlText } from './query.ts';
import type { ReadContext } from './read.ts';
import { fieldsToRead, idOf, momentOf, readRecord } from './record.ts';

export interface PollContext extends ReadContext {
  /** A transaction shows its changes when it commits, with the moments at which they were made: so far back is looked again. */
  readonly look_back_ms: number;
  /** How often it is asked which records are gone; those in the recycle bin are seen at every look. */
  readonly deleted_every_ms: number;
  readonly told: Told;
}

/** Where the walk stands. `from`: what was changed before is known · `at`: last record of this walk so far · `page`: how many there were. */
const positionForm = z.object({
  page: z.int(),
  from: z.int(),
  at: z.object({ changed: z.int(), id: z.string() }).nullable(),
  deleted_to: z.int(),
});
type Position = z.output<typeof positionForm>;

const MINUTE_MS = 60_000;
/** Salesforce looks back 30 days at most (§12.3); the clocks may differ by some minutes. */
const LONGEST_WINDOW_MS = 30 * 86_400_000 - 10 * MINUTE_MS;

/**
 * What this process has told already up to a position, by object: so that the look-back does not tell it again at every
 * look. It belongs to the position: who comes again with an earlier one, because the page got lost, is told again.
 */
export class Told {
  readonly #last = new Map<string, { position: string; stamps: ReadonlySet<string> }>();

  upTo(object: string, position: string): ReadonlySet<string> {
    const last = this.#last.get(object);
    return last?.position === position ? last.stamps : NOTHING;
  }

  keep(object: string, position: string, stamps: ReadonlySet<string>): void {
    this.#last.set(object, { position, stamps: stamps.size > MOST_KEPT ? NOTHING : stamps });
  }
}

const NOTHING: ReadonlySet<string> = new Set();
/** Beyond this many changes within the look-back telling them again is the lesser cost. */
const MOST_KEPT = 50_000;

/**
 * One page of changes after a position. Null: begins now, tells nothing, and yields the position to go on from. Deleted
 * records come with their ids; a record without an external id has the key ''. What was changed within the look-back
 * comes again with each walk.
 * @throws SalesforceCallError · InvalidInputError · SynclineError `salesforce.too_old` when Salesforce no longer knows what
 * was deleted since the position: then only a comparison of both sides tells
 */
export async function poll(
  context: PollContext,
  mapping: ObjectMapping,
  told: string | null,
  signal: AbortSignal,
): Promise<PollPage> {
  const position = told === null ? null : readPosition(told);
  if (position === null) return begin(context, mapping, signal);
  const gone = await goneSince(context, mapping, position, signal);
  const page = await queryPage(context.transport, question(mapping, position), signal, { deleted: true });
  const more = page.next !== null || page.records.length === PAGE_RECORDS;
  const next: Position = {
    page: position.page + 1,
    ...nextPosition(context, position, { records: page.records, more }),
    deleted_to: gone.to_ms,
  };
  const { object } = mapping.salesforce;
  const known = context.told.upTo(object, told ?? '');
  const fresh = page.records.filter((raw) => !known.has(stampOf(raw)));
  const written = JSON.stringify(next);
  context.told.keep(object, written, stampsSince(next.from, [...known, ...fresh.map(stampOf)]));
  const [deleted, changed] = partition(fresh);
  const parents = context.parents();
  return {
    changed: changed.map((raw) => ({ ...readRecord(mapping, raw, parents), changed_by: userOf(raw) })),
    deleted: [...deleted.map((raw) => ({ id: idOf(raw), deleted_ms: changedMs(raw) })), ...gone.deleted],
    position: written,
    more,
  };
}

/** A record in one state: the moment first, so that old ones are found. */
function stampOf(raw: RawRecord): string {
  return `${changedMs(raw)} ${idOf(raw)}`;
}

function stampsSince(from_ms: number, stamps: readonly string[]): ReadonlySet<string> {
  return new Set(stamps.filter((stamp) => Number.parseInt(stamp, 10) >= from_ms));
}

/** The server's own clock decides where "now" is: of what runs there, nothing older can still become visible. */
async function begin(context: PollContext, mapping: ObjectMapping, signal: AbortSignal): Promise<PollPage> {
  const now_ms = await serverNow(context, signal);
  const { covered_ms } = await askDeleted(context, mapping, { from_ms: now_ms - 2 * MINUTE_MS, to_ms: now_ms }, signal);
  const from = covered_ms - context.look_back_ms;
  const position: Position = { page: 0, from, at: null, deleted_to: covered_ms };
  return { changed: [], deleted: [], position: JSON.stringify(position), more: false };
}

/** The time there by the last answer's header; one is asked for when there was none yet. */
async function serverNow({ transport }: PollContext, signal: AbortSignal): Promise<number> {
  if (transport.budget.current() === null) await transport.refreshBudget(signal);
  return transport.now_ms();
}

function question(mapping: ObjectMapping, { from, at }: Position): string {
  const after =
    at === null
      ? `SystemModstamp >= ${soqlMoment(from)}`
      : `(SystemModstamp > ${soqlMoment(at.changed)} OR (SystemModstamp = ${soqlMoment(at.changed)} AND Id > ${soqlText(at.id)}))`;
  return soql({
    object: mapping.salesforce.object,
    fields: [...fieldsToRead(mapping), 'IsDeleted'],
    where: after,
    order_by: ['SystemModstamp', 'Id'],
    limit: PAGE_RECORDS,
  });
}

/** Behind the last record of a page; a walk that reached its end begins anew a look-back before the newest it has seen. */
function nextPosition(
  { look_back_ms }: PollContext,
  position: Position,
  { records, more }: { records: readonly RawRecord[]; more: boolean },
): Pick<Position, 'from' | 'at'> {
  const last = records.at(-1);
  const at = last === undefined ? position.at : { changed: changedMs(last), id: idOf(last) };
  if (more) return { from: position.from, at };
  return { from: Math.max(position.from, (at?.changed ?? 0) - look_back_ms), at: null };
}

function partition(records: readonly RawRecord[]): [RawRecord[], RawRecord[]] {
  const by = Map.groupBy(records, (raw) => raw['IsDeleted'] === true);
  return [by.get(true) ?? [], by.get(false) ?? []];
}

/** Records that were deleted since the last time it was asked, the recycle bin emptied or not. */
async function goneSince(
  context: PollContext,
  mapping: ObjectMapping,
  { deleted_to }: Position,
  signal: AbortSignal,
): Promise<{ deleted: PollPage['deleted']; to_ms: number }> {
  const now_ms = await serverNow(context, signal);
  if (now_ms - deleted_to < context.deleted_every_ms) return { deleted: [], to_ms: deleted_to };
  if (now_ms - deleted_to > LONGEST_WINDOW_MS) throw tooOld(mapping);
  const from_ms = deleted_to - context.look_back_ms;
  const { records, covered_ms } = await askDeleted(context, mapping, { from_ms, to_ms: now_ms }, signal);
  return { deleted: records, to_ms: Math.max(deleted_to, covered_ms) };
}

const deletedForm = z.object({
  deletedRecords: z.array(z.object({ id: z.string(), deletedDate: z.string() })),
  earliestDateAvailable: z.string(),
  latestDateCovered: z.string(),
});

interface Window {
  readonly from_ms: number;
  readonly to_ms: number;
}

async function askDeleted(
  { transport }: PollContext,
  mapping: ObjectMapping,
  { from_ms, to_ms }: Window,
  signal: AbortSignal,
): Promise<{ records: { id: string; deleted_ms: number }[]; covered_ms: number }> {
  const { object } = mapping.salesforce;
  // Whole minutes; the end is the begun one, so that the window is never empty.
  const start = Math.floor(from_ms / MINUTE_MS) * MINUTE_MS;
  const end = Math.ceil(to_ms / MINUTE_MS) * MINUTE_MS;
  const query = new URLSearchParams({ start: soqlMoment(start), end: soqlMoment(end) });
  const { body } = await transport.read(
    { method: 'GET', path: `/sobjects/${object}/deleted/?${query.toString()}` },
    signal,
  );
  const parsed = deletedForm.safeParse(body);
  const covered_ms = momentOf(parsed.data?.latestDateCovered);
  const earliest_ms = momentOf(parsed.data?.earliestDateAvailable);
  if (!parsed.success || covered_ms === null || earliest_ms === null)
    throw new InvalidInputError('salesforce.answer', 'Salesforce told of deleted records in a form that is not known');
  if (earliest_ms > from_ms) throw tooOld(mapping);
  const records = parsed.data.deletedRecords.flatMap(({ id, deletedDate }) => {
    const full = fullSalesforceId(id);
    return full === null ? [] : [{ id: full, deleted_ms: momentOf(deletedDate) ?? covered_ms }];
  });
  return { records, covered_ms: Math.min(covered_ms, end) };
}

function tooOld({ salesforce, name }: ObjectMapping): SynclineError {
  return new SynclineError(
    'salesforce.too_old',
    `Salesforce no longer tells which ${salesforce.object} records were deleted since the last look`,
    { hint: `syncline reconcile records/${name} --repair` },
  );
}

function changedMs(raw: RawRecord): number {
  const changed_ms = momentOf(raw['SystemModstamp']);
  if (changed_ms === null)
    throw new InvalidInputError('salesforce.answer', 'Salesforce answered with a record without SystemModstamp');
  return changed_ms;
}

function userOf(raw: RawRecord): string | null {
  return typeof raw['LastModifiedById'] === 'string' ? raw['LastModifiedById'] : null;
}

function readPosition(told: string): Position {
  try {
    return positionForm.parse(JSON.parse(told));
  } catch (error) {
    throw new InvalidInputError('salesforce.position', 'A position of polling is not one of ours', { cause: error });
  }
}
