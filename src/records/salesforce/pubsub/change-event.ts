/** A change event of Salesforce, made neutral: one entry for each record, fields by their names (records.md §12.9). */
import { InvalidInputError } from '../../../platform/errors.ts';
import { expandBitmaps, type FieldPath } from './bitmap.ts';
import type { DecodedEvent, EventField, EventSchema } from './event-schema.ts';

export type RecordEvent = 'created' | 'updated' | 'deleted' | 'undeleted';

/** As the event has it: datetimes and dates in epoch milliseconds or as text, numbers as numbers. */
export type EventValue = string | number | bigint | boolean | null;

/** What happened to one record, or to a whole object. */
export interface CapturedEvent {
  /** `Account` */
  readonly entity: string;
  /** 18 characters; null: no single record is meant (`overflow`, and gaps over all records of an object). */
  readonly salesforce_id: string | null;
  /**
   * `gap`: something happened to the record, and the event does not tell what · `overflow`: too much happened in one transaction
   * to be told; everything of the object may have changed.
   */
  readonly change: RecordEvent | 'gap' | 'overflow';
  /** Of an update what changed, of a creation and an undeletion everything. By names of the record: `BillingCity`, not the compound. */
  readonly fields: Readonly<Record<string, EventValue>>;
  /** What the event bears besides: fields that the channel adds to each event (enrichment), changed or not. */
  readonly enriched: Readonly<Record<string, EventValue>>;
  /** `fields` lacks something that changed (a long text as a difference, a compound without its parts), or all of it. */
  readonly needs_fetch: boolean;
  /** The tag of whoever wrote it (`Sforce-Call-Options`); null: none was given. */
  readonly client: string | null;
  /** Id of the user who wrote it. */
  readonly user: string;
  readonly commit_ms: number;
  readonly transaction_key: string;
  readonly sequence: number;
}

/** Which record, by whom, when. */
interface Header {
  readonly entity: string;
  readonly ids: readonly string[];
  readonly type: string;
  readonly origin: string;
  readonly user: string;
  readonly commit_ms: number;
  readonly transaction_key: string;
  readonly sequence: number;
}

/** What of it. */
interface Lists {
  readonly changed: readonly FieldPath[];
  readonly nulled: readonly FieldPath[];
  readonly diffs: readonly FieldPath[];
}

export const CHANGE_EVENT_HEADER = 'ChangeEventHeader';
const CHANGES: Readonly<Record<string, RecordEvent>> = {
  CREATE: 'created',
  UPDATE: 'updated',
  DELETE: 'deleted',
  UNDELETE: 'undeleted',
};

/**
 * One for each record that the event is about: merged events name several. Where the records are known and what happened to
 * them is not (a kind of change that this version does not know, a list of fields that does not fit the schema) it is a gap, so
 * that the record is read.
 * @throws InvalidInputError `salesforce.change_event` for what is no change event; without any value
 */
export function readChangeEvent(schema: EventSchema, value: DecodedEvent): CapturedEvent[] {
  const header = readHeader(value[CHANGE_EVENT_HEADER]);
  const { change, fields, enriched, needs_fetch } = readBody(header, schema.fields, value);
  return header.ids.map((id) => {
    const single = change === 'overflow' || id.includes('*') ? null : id;
    return {
      entity: header.entity,
      salesforce_id: single,
      change,
      fields: single === null ? {} : fields,
      enriched: single === null ? {} : enriched,
      needs_fetch: needs_fetch || single === null,
      client: clientOf(header.origin),
      user: header.user,
      commit_ms: header.commit_ms,
      transaction_key: header.transaction_key,
      sequence: header.sequence,
    };
  });
}

type Body = Pick<CapturedEvent, 'change' | 'fields' | 'enriched' | 'needs_fetch'>;

const UNTOLD = { fields: {}, enriched: {}, needs_fetch: true } as const;

function readBody(header: Header, schema: readonly EventField[], value: DecodedEvent): Body {
  if (header.type === 'GAP_OVERFLOW') return { change: 'overflow', ...UNTOLD };
  const change = CHANGES[header.type];
  if (change === undefined) return { change: 'gap', ...UNTOLD };
  try {
    return { change, ...readFields(change, schema, value) };
  } catch (error) {
    if (error instanceof InvalidInputError) return { change: 'gap', ...UNTOLD };
    throw error;
  }
}

function readFields(change: RecordEvent, schema: readonly EventField[], value: DecodedEvent): Omit<Body, 'change'> {
  const lists = readLists(schema, value[CHANGE_EVENT_HEADER] as DecodedEvent);
  const body = flatten(schema, value);
  const populated = Object.fromEntries(Object.entries(body).filter(([, field]) => field !== null));
  if (change === 'deleted') return { fields: {}, enriched: populated, needs_fetch: false };
  if (change === 'updated') return readUpdate(lists, schema, body, populated);
  const diffs = lists.diffs.flatMap((path) => namesOf(path, schema));
  const told = Object.fromEntries(Object.entries(body).filter(([name]) => !diffs.includes(name)));
  return { fields: told, enriched: {}, needs_fetch: diffs.length > 0 };
}

/** Names in `changed`, `nulled` and `diffs` decide; a null that none of them names only says "not told". */
function readUpdate(
  lists: Lists,
  schema: readonly EventField[],
  body: Record<string, EventValue>,
  populated: Record<string, EventValue>,
): Omit<Body, 'change'> {
  const fields: Record<string, EventValue> = {};
  let needs_fetch = lists.diffs.length > 0;
  const diffs = new Set(lists.diffs.flatMap((path) => namesOf(path, schema)));
  const parts = new Set(
    lists.changed.concat(lists.nulled).flatMap((path) => (path.child === null ? [] : [path.field])),
  );
  const nulled = new Set(lists.nulled.flatMap((path) => namesOf(path, schema)));
  for (const path of lists.changed) {
    const whole_compound = path.child === null && isCompound(path.field, schema);
    // The bit of a compound says little where its parts are named as well.
    if (whole_compound && parts.has(path.field)) continue;
    for (const name of namesOf(path, schema)) {
      const told = body[name] ?? null;
      // A part of a compound may be null because it is empty or because it did not change.
      if (whole_compound && told === null && !nulled.has(name)) needs_fetch = true;
      else fields[name] = told;
    }
  }
  for (const name of nulled) fields[name] = null;
  for (const name of diffs) delete fields[name];
  const enriched = Object.fromEntries(
    Object.entries(populated).filter(([name]) => !Object.hasOwn(fields, name) && !diffs.has(name)),
  );
  return { fields, enriched, needs_fetch };
}

const isCompound = (field: string, schema: readonly EventField[]): boolean => childrenOf(field, schema) !== null;

const childrenOf = (field: string, schema: readonly EventField[]): readonly string[] | null =>
  schema.find(({ name }) => name === field)?.children ?? null;

function namesOf({ field, child }: FieldPath, schema: readonly EventField[]): string[] {
  if (child !== null) return [partName(field, child)];
  const children = childrenOf(field, schema);
  // A person's name may also be a plain text (Account, as long as nobody turned on person accounts).
  return children === null
    ? [field]
    : [...children.map((part) => partName(field, part)), ...(field === 'Name' ? [field] : [])];
}

/**
 * What a part of a compound is called on the record: `BillingAddress.City` is `BillingCity`, `Name.LastName` is `LastName`,
 * `Place__c.Latitude` is `Place__Latitude__s`.
 */
export function partName(compound: string, part: string): string {
  if (compound.endsWith('__c')) return `${compound.slice(0, -1)}${part}__s`;
  if (compound === 'Name') return part;
  return compound.endsWith('Address') ? `${compound.slice(0, -'Address'.length)}${part}` : `${compound}${part}`;
}

/** The body by names of the record. */
function flatten(schema: readonly EventField[], value: DecodedEvent): Record<string, EventValue> {
  const flat: Record<string, EventValue> = {};
  for (const { name, children } of schema) {
    if (name === CHANGE_EVENT_HEADER) continue;
    const told = value[name];
    if (children === null) flat[name] = plain(told, name);
    else if (typeof told === 'object' && told !== null)
      for (const part of children) flat[partName(name, part)] = plain((told as DecodedEvent)[part], name);
    else if (told !== null && told !== undefined) flat[name] = plain(told, name);
    else for (const part of children) flat[partName(name, part)] = null;
  }
  return flat;
}

function plain(value: unknown, field: string): EventValue {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return value;
    default:
      if (value === null || value === undefined) return null;
      throw broken(field);
  }
}

/** `com/salesforce/api/rest/67.0;client=our-sync` */
function clientOf(origin: string): string | null {
  const [, client] = /;client=([^;]+)/.exec(origin) ?? [];
  return client ?? null;
}

function readHeader(value: unknown): Header {
  if (typeof value !== 'object' || value === null) throw broken(CHANGE_EVENT_HEADER);
  const header = value as DecodedEvent;
  const text = (name: string): string => (typeof header[name] === 'string' ? header[name] : fail(name));
  const optional = (name: string): string => (typeof header[name] === 'string' ? header[name] : '');
  const whole = (name: string): number => (Number.isSafeInteger(header[name]) ? (header[name] as number) : fail(name));
  const ids = textsOf(header, 'recordIds');
  if (ids.length === 0) fail('recordIds');
  return {
    entity: text('entityName'),
    ids,
    type: text('changeType'),
    origin: optional('changeOrigin'),
    user: optional('commitUser'),
    commit_ms: whole('commitTimestamp'),
    transaction_key: text('transactionKey'),
    sequence: whole('sequenceNumber'),
  };
}

function readLists(schema: readonly EventField[], header: DecodedEvent): Lists {
  const paths = (name: string): FieldPath[] => expandBitmaps(textsOf(header, name), schema);
  return { changed: paths('changedFields'), nulled: paths('nulledFields'), diffs: paths('diffFields') };
}

function textsOf(header: DecodedEvent, name: string): string[] {
  const list = header[name] ?? [];
  return Array.isArray(list) && list.every((item) => typeof item === 'string') ? list : fail(name);
}

const fail = (field: string): never => {
  throw broken(field);
};

const broken = (field: string): InvalidInputError =>
  new InvalidInputError('salesforce.change_event', `A change event cannot be understood: ${field}`, { field });
