import { InvalidInputError } from '../../platform/errors.ts';
import { stampOrigin, type Stamp } from '../clock/stamp.ts';
import { PAGE_LIMITS } from '../limits.ts';
import { deltaOf } from '../merge/delta.ts';
import type { Row } from '../merge/row.ts';
import { isOrigin, isWithin, memberOf, operationId, placeOf, type OperationId, type OriginId } from '../origin.ts';
import { parseOperation, refusalOf } from '../parse-operation.ts';
import type { ApplyResult, ItemOutcome, OperationPage, PageStop } from '../replica.ts';
import type { LogEntry } from './operation-log.ts';
import { subjectOf, type Work } from './work.ts';

/** Why an operation is parked that needs others first. */
export const WAITS = 'memory.waits';

interface Understood {
  entry: LogEntry;
  /** Null: erased where it comes from. */
  delta: Row | null;
  stamp: Stamp | null;
  replaces?: OperationId | undefined;
}

/**
 * Takes a page of a peer inside one transaction: log first, then the rows it changes, then the clock. Stops before the
 * first operation that this member cannot take, and keeps that one aside.
 */
export function applyPage(work: Work, page: OperationPage): ApplyResult {
  checkPage(page);
  const { origin, first, operations } = page;
  const last = work.log.last(origin);
  if (first > last + 1) return stoppedAt(work, page, 'gap', first, 'not the next one');
  if (isOther(work, page)) return stoppedAt(work, page, 'identity_shared', first - 1, 'it follows another operation');
  const known = Math.min(operations.length, last + 1 - first);
  if (origin === work.origin && operations.length > known)
    return stoppedAt(work, page, 'identity_shared', last + 1, 'a peer has operations of ours that we do not have');

  const { understood, parked } = understand(work, page, known);
  const texts = operations.slice(0, known).map((text) => ({ subject: null, text }));
  const entries = [...texts, ...understood.map(({ entry }) => entry)];
  const { refused } = work.log.append(origin, first, entries, work.now_ms);
  if (refused) return stoppedAt(work, page, 'identity_shared', refused.offset, 'a known operation has another text');

  for (const { replaces } of understood) if (replaces) letGo(work, origin, replaces);
  const outcomes = effects(work, understood);
  if (parked) park(work, page, parked);
  else work.db.run('DELETE FROM parked WHERE origin = ? AND sequence <= ?', origin, work.log.last(origin));
  const items: ItemOutcome[] = texts.map((_, i) => ({ operation: operationId(origin, first + i), outcome: 'already' }));
  for (const [i, outcome] of outcomes.entries())
    items.push({ operation: operationId(origin, first + known + i), outcome });
  if (parked)
    items.push({ operation: operationId(origin, parked.sequence), outcome: 'rejected', reason: parked.reason });
  return { origin, through: work.log.last(origin), items, stopped: parked };
}

/** Whether the page continues another log than ours: two machines numbered this origin on from one place. */
function isOther(work: Work, { origin, first, follows = '' }: OperationPage): boolean {
  const ours = follows === '' ? '' : work.log.hashAt(origin, first - 1);
  return ours !== '' && ours !== follows;
}

function checkPage({ origin, first, operations }: OperationPage): void {
  const fits =
    isOrigin(origin) &&
    Number.isSafeInteger(first) &&
    first >= 1 &&
    operations.length <= PAGE_LIMITS.max_items &&
    operations.reduce((total, text) => total + Buffer.byteLength(text), 0) <= PAGE_LIMITS.max_bytes;
  if (!fits) throw new InvalidInputError('memory.page', 'A page of operations is not within its limits');
}

function understand(
  work: Work,
  { origin, first, operations }: OperationPage,
  known: number,
): { understood: Understood[]; parked: PageStop | null } {
  const understood: Understood[] = [];
  for (const [i, text] of operations.slice(known).entries()) {
    try {
      understood.push(understandOne(work, origin, text));
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      const stop: PageStop = { why: 'parked', sequence: first + known + i, reason: refusalOf(error) };
      return { understood, parked: stop };
    }
  }
  return { understood, parked: null };
}

function understandOne(work: Work, origin: string, text: string): Understood {
  if (text === '') return { entry: { subject: null, text }, delta: null, stamp: null };
  const operation = parseOperation(text);
  if (stampOrigin(operation.stamp) !== origin)
    throw new InvalidInputError('memory.foreign_stamp', 'An operation has the stamp of another origin');
  if (work.hybrid.isTooFarAhead(operation.stamp))
    throw new InvalidInputError('memory.stamp_ahead', 'An operation lies more than a day ahead');
  if (operation.kind === 'purge' && !isWithin({ ...operation.after, [origin]: 0 }, work.log.vector()))
    throw new InvalidInputError(WAITS, 'A purge waits for operations that everybody had when it was written');
  const { stamp, replaces } = operation;
  return { entry: { subject: subjectOf(operation), text }, delta: deltaOf(operation), stamp, replaces };
}

/** What is kept aside because of its stamp was written again: else it would go in once its time has come. */
function letGo(work: Work, by: OriginId, operation: OperationId): void {
  const place = placeOf(operation);
  if (!place || memberOf(place.origin) !== memberOf(by)) return;
  work.db.run('DELETE FROM parked WHERE origin = ? AND sequence = ?', place.origin, place.sequence);
}

function effects(work: Work, understood: readonly Understood[]): ('applied' | 'stale')[] {
  const deltas = understood.flatMap(({ delta }) => (delta ? [delta] : []));
  const changed = work.rows.join(deltas);
  let at = 0;
  const outcomes = understood.map(({ delta }) => (delta && changed[at++] ? 'applied' : 'stale'));
  const newest = understood.reduce((latest, { stamp }) => (stamp && stamp > latest ? stamp : latest), '');
  if (newest !== '') work.hybrid.observe(newest);
  return outcomes;
}

function park(work: Work, { origin, first, operations }: OperationPage, stop: PageStop): void {
  work.db.run(
    `INSERT INTO parked (origin, sequence, text, reason, since_ms) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (origin) DO UPDATE SET sequence = excluded.sequence, text = excluded.text, reason = excluded.reason,
       since_ms = CASE WHEN sequence = excluded.sequence THEN since_ms ELSE excluded.since_ms END`,
    origin,
    stop.sequence,
    operations[stop.sequence - first] ?? '',
    stop.reason,
    work.now_ms,
  );
}

function stoppedAt(
  work: Work,
  { origin }: OperationPage,
  why: PageStop['why'],
  sequence: number,
  reason: string,
): ApplyResult {
  return { origin, through: work.log.last(origin), items: [], stopped: { why, sequence, reason } };
}
