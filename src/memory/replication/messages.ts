/**
 * The native dialect: what members say to each other, and the checks of what was said. Every message, asked or answered,
 * begins with the `Standing` of who says it, so one round trip tells vectors and roots of both sides.
 *
 * | Verb       | Asks                                                    | Answer                                             |
 * | ---------- | ------------------------------------------------------- | -------------------------------------------------- |
 * | `hello`    | who are you, what have you                              | greeting                                           |
 * | `push`     | keep these pages of operations                          | one ack a page: through where, and each item's fate |
 * | `pull`     | what have you that I lack; wait for it up to `wait_ms`  | pages, or that only a snapshot helps               |
 * | `digest`   | ranges of the digest tree                               | the same with hashes                               |
 * | `states`   | rows by key                                             | their states                                       |
 * | `repair`   | join these states into yours by operations of your own  | how many operations                                |
 * | `snapshot` | all rows from a place on                                | a page of states, where it goes on                 |
 * | `seed`     | take this page of a snapshot of mine                    | the page that is wanted next                       |
 */
import type {
  ApplyResult,
  DigestEntry,
  OperationPage,
  PageStop,
  RangeDigest,
  RowState,
  SnapshotRange,
} from '../replica.ts';
import { ROW_KINDS, type RowKind } from '../operation.ts';
import {
  isOrigin,
  memberOf,
  operationId,
  placeOf,
  type OperationId,
  type OriginId,
  type VersionVector,
} from '../origin.ts';
import { isObject, type JsonObject } from '../json.ts';
import { SynclineError } from '../../platform/errors.ts';
import { readFrame, writeFrame, wrong, type Frame } from './frame.ts';
import { DIALECT, WIRE_LIMITS } from './limits.ts';

export const VERBS = ['hello', 'push', 'pull', 'digest', 'states', 'repair', 'snapshot', 'seed'] as const;
export type Verb = (typeof VERBS)[number];

/** The root of a member in the middle of a snapshot: it says nothing. */
export const UNSETTLED = 'unsettled';

/** Who speaks and what he has, taken at one moment. */
export interface Standing {
  origin: OriginId;
  /** Drawn by each process: two machines that share an origin differ by it. */
  run: string;
  vector: VersionVector;
  /** Hash over all rows at that vector. */
  root: string;
  /**
   * Hashes of operations of the listener's origin, as the speaker has them: of the last one, and of the last one that the
   * listener said it had. The listener sees by them that nobody else numbers its origin; else it may not count the vector.
   * Besides, of each place that the listener asked for, when the speaker has an operation there.
   */
  yours: Echo[];
  /** Places in former origins of the speaker of which it does not know whether the listener has its operations there. */
  asks: OperationId[];
}

/** Hash in an echo of an operation of which the speaker has forgotten what it said: of that nobody can tell. */
export const FORGOTTEN = '-';

/** Most places that one message asks for. */
export const MOST_ASKED = 4;

export interface Echo {
  operation: OperationId;
  hash: string;
}

export interface Greeting {
  device: string;
  program: string;
  /** The peer reaches us by itself at present: then nothing need be pulled from it. */
  dials: boolean;
  /** Rows that the disk damaged there: whoever has them gives them by a `repair`, since it may not be able to ask. */
  damaged: readonly RowKey[];
}

/** What became of a page. `outcomes` has a letter for each item: a(pplied), k(nown already), s(tale). */
export interface PageAck {
  origin: OriginId;
  through: number;
  outcomes: string;
  stopped: PageStop | null;
}

export interface Pull {
  wait_ms: number;
  /** Origins of which the puller takes nothing at present, because it parked an operation of them. */
  except: readonly OriginId[];
}

export interface Pulled {
  pages: OperationPage[];
  /** The log does not reach back to where the puller stands. */
  snapshot_needed: boolean;
}

export interface RowKey {
  row: RowKind;
  key: string;
}

export interface SnapshotPart {
  rows: RowState[];
  next: string | null;
  /** What the sender had before it read the page. */
  vector: VersionVector;
}

export interface SeedPart {
  /** One transfer, from the first page to the last. */
  transfer: string;
  /** Counted from 0. */
  page: number;
  rows: RowState[];
  of: SnapshotRange;
  /** The receiver stands on another branch of an origin: the rows are joined, and none of its own go. */
  joins: boolean;
  /** With the last page: what the sender had before the first one. */
  adopt: VersionVector | null;
}

/** A member of another dialect. `theirs` and `ours` are in the message. */
export class DialectError extends SynclineError {
  constructor(theirs: unknown) {
    super(
      'memory.dialect',
      `The peer speaks dialect ${String(theirs).slice(0, 12)} of memory, this program ${DIALECT}`,
      {
        hint: 'Bring both members to the same version of Syncline.',
      },
    );
  }
}

export function writeMessage(standing: Standing, body: object = {}, texts: readonly string[] = []): string {
  return writeFrame({ dialect: DIALECT, ...standing, ...body }, texts);
}

export interface Message extends Frame {
  standing: Standing;
}

/** @throws InvalidInputError `memory.message` (names the field), DialectError `memory.dialect` */
export function readMessage(body: string): Message {
  const frame = readFrame(body);
  if (frame.head['dialect'] !== DIALECT) throw new DialectError(frame.head['dialect']);
  return { ...frame, standing: standingOf(frame.head) };
}

function standingOf(head: JsonObject): Standing {
  const root = text(head, 'root', 64);
  const yours =
    head['yours'] === undefined
      ? []
      : list(head, 'yours', 2 + MOST_ASKED).map((value, i) => echoOf(`yours.${i}`, value));
  const asks = head['asks'] === undefined ? [] : list(head, 'asks', MOST_ASKED).map((value) => askOf(value));
  const run = head['run'] === undefined ? '' : text(head, 'run', 32, true);
  return { origin: origin(head, 'origin'), run, vector: vector('vector', head['vector']), root, yours, asks };
}

function askOf(value: unknown): OperationId {
  if (typeof value !== 'string' || value.length > 80 || !placeOf(value))
    throw wrong('asks', 'holds what is no operation');
  return value;
}

function echoOf(field: string, value: unknown): Echo {
  const echo = object(field, value);
  const operation = text(echo, 'operation', 80);
  if (!placeOf(operation)) throw wrong(field, 'names no operation');
  return { operation, hash: text(echo, 'hash', 64) };
}

export function readGreeting({ head }: Message): Greeting {
  return {
    device: text(head, 'device', WIRE_LIMITS.max_name_chars),
    program: text(head, 'program', WIRE_LIMITS.max_name_chars),
    dials: head['dials'] === true,
    damaged:
      head['damaged'] === undefined
        ? []
        : list(head, 'damaged', WIRE_LIMITS.max_rows).map((value) => keyOf(object('damaged', value))),
  };
}

/** Heads of pages say where they begin and how many of the texts are theirs, in order. */
export function writePages(pages: readonly OperationPage[]): { pages: object[]; texts: string[] } {
  return {
    pages: pages.map(({ origin, first, follows = '', operations }) => ({
      origin,
      first,
      follows,
      items: operations.length,
    })),
    texts: pages.flatMap(({ operations }) => operations),
  };
}

export function readPages({ head, texts }: Message): OperationPage[] {
  let taken = 0;
  const pages = list(head, 'pages', WIRE_LIMITS.max_origins).map((value, i) => {
    const page = object(`pages.${i}`, value);
    const items = whole(page, 'items', 1, WIRE_LIMITS.max_items);
    const operations = texts.slice(taken, (taken += items));
    const first = whole(page, 'first', 1, Number.MAX_SAFE_INTEGER);
    const follows = page['follows'] === undefined ? '' : text(page, 'follows', 64, true);
    return { origin: origin(page, 'origin'), first, follows, operations };
  });
  if (taken !== texts.length) throw wrong('pages', 'do not add up to the texts');
  return pages;
}

const LETTERS = { applied: 'a', already: 'k', stale: 's' } as const;

export function ackOf({ origin, through, items, stopped }: ApplyResult): PageAck {
  const outcomes = items.map(({ outcome }) => (outcome === 'rejected' ? '' : LETTERS[outcome])).join('');
  return { origin, through, outcomes, stopped };
}

export function readAcks({ head }: Message): PageAck[] {
  return list(head, 'acks', WIRE_LIMITS.max_origins).map((value, i) => {
    const ack = object(`acks.${i}`, value);
    const outcomes = ack['outcomes'];
    if (typeof outcomes !== 'string' || !/^[aks]*$/.test(outcomes) || outcomes.length > WIRE_LIMITS.max_items)
      throw wrong(`acks.${i}.outcomes`, 'is not letters of a, k, s');
    return {
      origin: origin(ack, 'origin'),
      through: whole(ack, 'through', 0, Number.MAX_SAFE_INTEGER),
      outcomes,
      stopped: ack['stopped'] === null ? null : stopOf(object(`acks.${i}.stopped`, ack['stopped'])),
    };
  });
}

function stopOf(stop: JsonObject): PageStop {
  const why = (['parked', 'gap', 'identity_shared'] as const).find((known) => known === stop['why']);
  if (why === undefined) throw wrong('stopped.why', 'is none of parked, gap, identity_shared');
  return { why, sequence: whole(stop, 'sequence', 0, Number.MAX_SAFE_INTEGER), reason: text(stop, 'reason', 512) };
}

export function readPull({ head }: Message): Pull {
  const except = list(head, 'except', WIRE_LIMITS.max_origins).map((value) => {
    if (typeof value !== 'string' || !isOrigin(value)) throw wrong('except', 'holds what is no origin');
    return value;
  });
  return { wait_ms: whole(head, 'wait_ms', 0, WIRE_LIMITS.max_wait_ms), except };
}

export function readPulled(message: Message): Pulled {
  return { pages: readPages(message), snapshot_needed: message.head['snapshot_needed'] === true };
}

export function readPrefixes({ head }: Message): string[] {
  return list(head, 'prefixes', WIRE_LIMITS.max_ranges).map((value) => {
    if (typeof value !== 'string' || !/^[0-9a-f]{0,12}$/.test(value))
      throw wrong('prefixes', 'holds what is no prefix');
    return value;
  });
}

export function readRanges({ head }: Message): RangeDigest[] {
  return list(head, 'ranges', WIRE_LIMITS.max_ranges).map((value, i) => {
    const range = object(`ranges.${i}`, value);
    return {
      ...rangeOf(range),
      children:
        range['children'] === null
          ? null
          : list(range, 'children', 16).map((child) => rangeOf(object('children', child))),
      entries:
        range['entries'] === null
          ? null
          : list(range, 'entries', 100_000).map((entry) => entryOf(object('entries', entry))),
    };
  });
}

function rangeOf(range: JsonObject): { prefix: string; hash: string; rows: number } {
  return {
    prefix: text(range, 'prefix', 12, true),
    hash: text(range, 'hash', 64),
    rows: whole(range, 'rows', 0, Number.MAX_SAFE_INTEGER),
  };
}

function entryOf(entry: JsonObject): DigestEntry {
  return { ...keyOf(entry), hash: text(entry, 'hash', 64) };
}

export function readKeys({ head }: Message): RowKey[] {
  return list(head, 'keys', WIRE_LIMITS.max_rows).map((value, i) => keyOf(object(`keys.${i}`, value)));
}

function keyOf(value: JsonObject): RowKey {
  const row = ROW_KINDS.find((kind) => kind === value['row']);
  if (row === undefined) throw wrong('row', 'is not a kind of row');
  return { row, key: text(value, 'key', 4096) };
}

/** States travel as texts; the head names their rows in the same order. */
export function writeRows(rows: readonly RowState[]): { rows: RowKey[]; texts: string[] } {
  return { rows: rows.map(({ row, key }) => ({ row, key })), texts: rows.map(({ state }) => state) };
}

export function readRows({ head, texts }: Message): RowState[] {
  const keys = list(head, 'rows', WIRE_LIMITS.max_texts);
  if (keys.length !== texts.length) throw wrong('rows', 'are not as many as the texts');
  return keys.map((value, i) => ({ ...keyOf(object(`rows.${i}`, value)), state: texts[i] ?? '' }));
}

export function readSnapshotAfter({ head }: Message): string {
  return place(head, 'after', true);
}

export function readSnapshot(message: Message): SnapshotPart {
  const { head } = message;
  const next = head['next'] === null ? null : place(head, 'next', false);
  return { rows: readRows(message), next, vector: vector('began', head['began']) };
}

export function readSeed(message: Message): SeedPart {
  const { head } = message;
  return {
    transfer: text(head, 'transfer', 64),
    page: whole(head, 'page', 0, Number.MAX_SAFE_INTEGER),
    rows: readRows(message),
    of: rangeOfPage(object('of', head['of'])),
    joins: head['joins'] === true,
    adopt: head['adopt'] === null ? null : vector('adopt', head['adopt']),
  };
}

function rangeOfPage(of: JsonObject): SnapshotRange {
  const next = of['next'] === null ? null : place(of, 'next', false);
  return { after: place(of, 'after', true), next, vector: vector('of.vector', of['vector']) };
}

/** Where a page begins or ends, in the store's own words; '' for the beginning. */
function place(head: JsonObject, field: string, may_be_empty: boolean): string {
  const value = text(head, field, 64, may_be_empty);
  if (!/^[a-z0-9]*$/.test(value)) throw wrong(field, 'is not a place of a snapshot');
  return value;
}

/** The page of the transfer that the receiver wants next; 0 = from the beginning. Null once it has taken all. */
export function readSeeded({ head }: Message): number | null {
  return head['wanted'] === null ? null : whole(head, 'wanted', 0, Number.MAX_SAFE_INTEGER);
}

export function readCount({ head }: Message): number {
  return whole(head, 'operations', 0, Number.MAX_SAFE_INTEGER);
}

/** The id of the last operation that an ack confirms; null for none. */
export function acknowledged(ack: PageAck): string | null {
  return ack.through === 0 ? null : operationId(ack.origin, ack.through);
}

export function memberOfStanding(standing: Standing): string {
  return memberOf(standing.origin);
}

function vector(field: string, value: unknown): VersionVector {
  const entries = Object.entries(object(field, value));
  if (entries.length > WIRE_LIMITS.max_origins) throw wrong(field, `has more than ${WIRE_LIMITS.max_origins} origins`);
  for (const [name, sequence] of entries)
    if (!isOrigin(name) || !Number.isSafeInteger(sequence) || (sequence as number) < 0)
      throw wrong(field, 'is not origins with sequences');
  return Object.fromEntries(entries) as VersionVector;
}

function object(field: string, value: unknown): JsonObject {
  if (!isObject(value)) throw wrong(field, 'is not an object');
  return value;
}

function list(head: JsonObject, field: string, most: number): readonly unknown[] {
  const value = head[field];
  if (!Array.isArray(value)) throw wrong(field, 'is not a list');
  if (value.length > most) throw wrong(field, `has more than ${most} items`);
  return value as unknown[];
}

function text(head: JsonObject, field: string, most: number, may_be_empty = false): string {
  const value = head[field];
  if (typeof value !== 'string' || value.length > most || (value === '' && !may_be_empty))
    throw wrong(field, `is not a text of 1 to ${most} characters`);
  return value;
}

function whole(head: JsonObject, field: string, least: number, most: number): number {
  const value = head[field];
  if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most)
    throw wrong(field, `is not a whole number from ${least} to ${most}`);
  return value as number;
}

function origin(head: JsonObject, field: string): OriginId {
  const value = head[field];
  if (typeof value !== 'string' || !isOrigin(value)) throw wrong(field, 'is not an origin');
  return value;
}
