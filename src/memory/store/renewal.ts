/**
 * New incarnations. Two copies of a member that both went on from one place have numbered different operations alike, and an
 * operation whose stamp lies in the future is taken by nobody. Both are healed in one way: this machine goes on in another
 * origin, tells there again what only it has of the old one, and leaves the old places to whoever else filled them.
 */
import { InvalidInputError } from '../../platform/errors.ts';
import { HybridClock, type ClockMark } from '../clock/hybrid-clock.ts';
import { parseStamp, type Stamp } from '../clock/stamp.ts';
import { isObject, type JsonObject } from '../json.ts';
import { deltaOf } from '../merge/delta.ts';
import { FLOOR_KEY } from '../merge/row.ts';
import { formatOperation, type Author, type Operation } from '../operation.ts';
import { operationId, placeOf, type OperationId, type OperationPlace, type OriginId } from '../origin.ts';
import { checkOperation, parseOperation } from '../parse-operation.ts';
import type { RowState } from '../replica.ts';
import type { GroupCommit } from './group-commit.ts';
import { parseRow, statesOf } from './snapshot.ts';
import type { Work, WorkParts } from './work.ts';

interface Text {
  id: OperationId;
  text: string;
}

interface Told {
  kept: number;
  /** Null: still to be told. */
  successor: OriginId | null;
  through: number;
}

/** Stands for a place that nobody has yet. */
const NOWHERE = Number.MAX_SAFE_INTEGER;

export class Renewal {
  readonly #parts: WorkParts;
  readonly #commit: GroupCommit;
  readonly #system: Author;
  readonly #nextOrigin: () => OriginId;
  #told: Map<OriginId, Told>;
  #renewed: Map<OriginId, number> = new Map();

  constructor(parts: WorkParts, commit: GroupCommit, system: Author, nextOrigin: () => OriginId) {
    this.#parts = parts;
    this.#commit = commit;
    this.#system = system;
    this.#nextOrigin = nextOrigin;
    this.#told = this.#readTold();
  }

  /** `Replica.renew`, at once. */
  begin(common: number): { told: number; restamped: number } {
    const { log, origin } = this.#parts;
    const kept = Math.max(0, Math.min(common, log.last(origin)));
    // What is to be told is noted first: a process that dies after it got the new name tells it at the next open. Also when
    // there is nothing to tell: what is kept may stand at others as another machine's (`renewedOrigins`).
    this.#commit.alone((work) =>
      work.db.run('INSERT INTO told_anew (origin, kept) VALUES (?, ?) ON CONFLICT (origin) DO NOTHING', origin, kept),
    );
    this.#told = this.#readTold();
    this.#take(this.#nextOrigin());
    return this.#finish();
  }

  /** At open: what a process that died left untold. */
  resume(): void {
    const untold = [...this.#told].filter(([, { successor }]) => successor === null);
    if (untold.length === 0) return;
    if (untold.some(([origin]) => origin === this.#parts.origin)) this.#take(this.#nextOrigin());
    this.#finish();
  }

  /** `Replica.renewedOrigins` */
  renewedOrigins(): ReadonlyMap<OriginId, number> {
    return this.#renewed;
  }

  /** `Replica.standsAt` */
  standsAt(place: OperationPlace): OperationPlace {
    let at = place;
    for (;;) {
      const told = this.#told.get(at.origin);
      if (!told || at.sequence <= told.kept) return at;
      if (told.successor === null) return { origin: at.origin, sequence: NOWHERE };
      // Nothing was told: what stands there is another's.
      if (told.through === 0) return at;
      at = { origin: told.successor, sequence: told.through };
    }
  }

  #take(origin: OriginId): void {
    const { clock, hybrid } = this.#parts;
    this.#parts.origin = origin;
    this.#parts.confirmed = 0;
    this.#parts.hybrid = new HybridClock(clock, origin, hybrid.mark());
  }

  #finish(): { told: number; restamped: number } {
    const done = { told: 0, restamped: 0 };
    for (const [origin, { kept, successor }] of this.#told) {
      if (successor !== null) continue;
      const one = this.#tell(origin, kept);
      done.told += one.told;
      done.restamped += one.restamped;
    }
    this.#told = this.#readTold();
    return done;
  }

  /** One transaction: the end of the old log goes, what it said stands in the new one. */
  #tell(from: OriginId, kept: number): { told: number; restamped: number } {
    const { log, hybrid } = this.#parts;
    const texts = this.#textsAfter(from, kept);
    const ahead = texts.filter(({ text }) => hybrid.isTooFarAhead(stampOf(text)));
    const near = texts.filter(({ text }) => !hybrid.isTooFarAhead(stampOf(text)));
    if (ahead.length > 0) this.#setClockBack(from, kept);
    return this.#commit.alone((work) => {
      log.cutBack(from, kept);
      const restamped = restamp(work, ahead, from);
      const keys = near.map(({ text }) => deltaOf(parseOperation(text)));
      for (const { row, key, state } of statesOf(work.db, unique(keys)))
        work.write({ kind: 'state', row, key, state: readObject(state) }, this.#system);
      const last = work.written.at(-1);
      const through = last === undefined ? 0 : (placeOf(last)?.sequence ?? 0);
      work.db.run('UPDATE told_anew SET successor = ?, through = ? WHERE origin = ?', work.origin, through, from);
      return { told: work.written.length, restamped };
    });
  }

  #textsAfter(origin: OriginId, kept: number): Text[] {
    const { log } = this.#parts;
    const texts: Text[] = [];
    for (let after = Math.max(kept, log.first(origin) - 1); after < log.last(origin);) {
      const operations = log.read(origin, after)?.operations ?? [];
      if (operations.length === 0) break;
      for (const [i, text] of operations.entries())
        if (text !== '') texts.push({ id: operationId(origin, after + 1 + i), text });
      after += operations.length;
    }
    return texts;
  }

  /** To the latest of what others have written, so that what is stamped now is later than what it may have been based on. */
  #setClockBack(from: OriginId, kept: number): void {
    const { log, clock, origin, hybrid } = this.#parts;
    const newest = { ...log.vector(), [from]: kept };
    let mark: ClockMark = { ms: 0, counter: 0 };
    for (const [name, sequence] of Object.entries(newest)) {
      const text = sequence === 0 ? '' : (log.read(name, sequence - 1, { max_items: 1 })?.operations[0] ?? '');
      const stamp = text === '' ? null : parseStamp(stampOf(text));
      if (!stamp || hybrid.isTooFarAhead(stampOf(text))) continue;
      if (stamp.ms > mark.ms || (stamp.ms === mark.ms && stamp.counter > mark.counter)) mark = stamp;
    }
    this.#parts.hybrid = new HybridClock(clock, origin, { ms: mark.ms, counter: mark.counter });
  }

  #readTold(): Map<OriginId, Told> {
    const rows = this.#parts.db.all<Told & { origin: OriginId }>(
      'SELECT origin, kept, successor, through FROM told_anew',
    );
    this.#renewed = new Map(rows.map(({ origin, kept }) => [origin, kept]));
    return new Map(rows.map(({ origin, ...told }) => [origin, told]));
  }
}

/**
 * Operations that nobody else took, because their stamps lay too far ahead, with stamps of now; in the rows too, where the
 * old ones would win for as long as the clock was wrong. A purge of that time is left out, and its floor goes.
 */
function restamp(work: Work, texts: readonly Text[], from: OriginId): number {
  if (texts.length === 0) return 0;
  const stamps = new Map(texts.map(({ text }) => [stampOf(text), work.hybrid.next()]));
  const inNew = (text: string): string => text.replaceAll(stampsOf(from), (stamp) => stamps.get(stamp) ?? stamp);
  if (work.rows.floor() !== '' && work.hybrid.isTooFarAhead(work.rows.floor()))
    work.rows.remove([{ row: 'floor', key: FLOOR_KEY }]);
  const operations = texts
    .map(({ id, text }) => ({ ...parseOperation(text), replaces: id }))
    .filter(({ kind }) => kind !== 'purge');
  const states = statesOf(work.db, unique(operations.map(deltaOf)));
  work.rows.remove(states);
  work.rows.join(states.map((state: RowState) => parseRow({ ...state, state: inNew(state.state) })));
  for (const operation of operations) {
    const { group: _, ...alone } = readObject(inNew(formatOperation(operation)));
    const told: Operation = checkOperation(alone);
    work.tell(told, formatOperation(told));
  }
  return operations.length;
}

function unique<T extends { row: string; key: string }>(keys: readonly T[]): T[] {
  return [...new Map(keys.map((key) => [`${key.row} ${key.key}`, key])).values()];
}

function stampOf(text: string): Stamp {
  return /"stamp":"([^"]+)"/.exec(text)?.[1] ?? '';
}

function stampsOf(origin: OriginId): RegExp {
  return new RegExp(`[0-9a-f]{12}-[0-9a-f]{4}-${origin.replace('.', '\\.')}(?![a-z0-9])`, 'g');
}

function readObject(text: string): JsonObject {
  const value = JSON.parse(text) as unknown;
  if (!isObject(value)) throw new InvalidInputError('memory.json', 'A state is not an object');
  return value;
}
