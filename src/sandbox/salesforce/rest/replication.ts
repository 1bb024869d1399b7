/** `/sobjects/{T}/updated` and `/deleted` (records.md §12.3). */
import { methodNotAllowed, type ApiReply } from '../http/exchange.ts';
import { parseDatetime } from '../org/field-values.ts';
import type { Row } from '../org/fields.ts';
import { OrgRefusal } from '../org/refusal.ts';
import { rowId } from '../org/transaction.ts';
import { restDatetime } from '../soql/render.ts';
import type { Call } from './call.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const WINDOW_DAYS = 30;
/** How long the recycle bin remembers. */
const DELETED_DAYS = 15;
const MAX_IDS = 600_000;

interface Window {
  from_ms: number;
  /** Not included. */
  to_ms: number;
}

export function updatedRecords(call: Call, entity: string): ApiReply {
  const window = windowOf(call);
  const ids: string[] = [];
  for (const row of rowsIn(call, entity, window)) if (row['IsDeleted'] === false) ids.push(rowId(row));
  checkCount(ids.length);
  return { status: 200, json: { ids, latestDateCovered: covered(call, window) } };
}

export function deletedRecords(call: Call, entity: string): ApiReply {
  const window = windowOf(call);
  const deletedRecords: { id: string; deletedDate: string }[] = [];
  const add = (id: string, deleted_ms: number): void => {
    deletedRecords.push({ id, deletedDate: restDatetime(deleted_ms) });
  };
  for (const row of rowsIn(call, entity, window))
    if (row['IsDeleted'] === true) add(rowId(row), Number(row['SystemModstamp']));
  for (const { id, deleted_ms } of call.org.table(entity).purged)
    if (deleted_ms >= window.from_ms && deleted_ms < window.to_ms) add(id, deleted_ms);
  checkCount(deletedRecords.length);
  const earliest_ms = call.org.clock.now_ms() - DELETED_DAYS * DAY_MS;
  return {
    status: 200,
    json: {
      deletedRecords,
      earliestDateAvailable: restDatetime(toMinute(earliest_ms)),
      latestDateCovered: covered(call, window),
    },
  };
}

function rowsIn(call: Call, entity: string, { from_ms, to_ms }: Window): Iterable<Row> {
  return call.org.table(entity).rowsByModstamp(from_ms, to_ms - 1);
}

/** Seconds do not count: a window begins and ends with its minute. */
function windowOf(call: Call): Window {
  if (call.method !== 'GET') throw methodNotAllowed(call.method, 'GET,HEAD');
  const [start_ms, end_ms] = ['start', 'end'].map((name) => parseDatetime(call.request.query.get(name) ?? ''));
  if (typeof start_ms !== 'number' || typeof end_ms !== 'number')
    throw invalidDate('start and end must be dates with a time zone');
  const [from_ms, to_ms] = [toMinute(start_ms), toMinute(end_ms)];
  if (from_ms >= to_ms) throw invalidDate('startDate must be at least one minute before endDate');
  if (from_ms < call.org.clock.now_ms() - WINDOW_DAYS * DAY_MS)
    throw invalidDate(`startDate cannot be more than ${WINDOW_DAYS} days ago`);
  return { from_ms, to_ms };
}

function covered(call: Call, { to_ms }: Window): string {
  return restDatetime(Math.min(to_ms, toMinute(call.org.clock.now_ms())));
}

function toMinute(ms: number): number {
  return Math.floor(ms / MINUTE_MS) * MINUTE_MS;
}

function invalidDate(message: string): OrgRefusal {
  return new OrgRefusal('INVALID_REPLICATION_DATE', message);
}

function checkCount(count: number): void {
  if (count > MAX_IDS) throw new OrgRefusal('EXCEEDED_ID_LIMIT', `The window has more than ${MAX_IDS} records`);
}
