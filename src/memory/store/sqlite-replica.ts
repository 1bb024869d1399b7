import { InvalidInputError } from '../../platform/errors.ts';
import { stampOrigin, type Stamp } from '../clock/stamp.ts';
import type { Durability } from '../durability.ts';
import { isObject } from '../json.ts';
import type { Author } from '../operation.ts';
import { isOrigin, isWithin, type MemberId, type OperationId, type OriginId, type VersionVector } from '../origin.ts';
import type { ApplyResult, ParkedOperation, Replica, ReplicaIdentity, RowState, SnapshotRange } from '../replica.ts';
import { WAITS, applyPage } from './apply-page.ts';
import { Checksums } from './checksums.ts';
import type { GroupCommit } from './group-commit.ts';
import { canonicalLines, entriesOf, newestStamp, parseRow, snapshotPage, statesOf, unlisted } from './snapshot.ts';
import { Renewal } from './renewal.ts';
import { SnapshotFloors } from './snapshot-floors.ts';
import { forgetStableTexts, scrubMemories } from './forget-texts.ts';
import { Stability } from './stability.ts';
import type { WorkParts } from './work.ts';

/** Writes of the store itself: repair, purges, expiry. */
export const SYSTEM_AGENT = 'syncline';

export interface ReplicaOptions {
  member: MemberId;
  device: string;
  /** Another origin of this member, kept for the next start. */
  nextOrigin: () => OriginId;
  useDurability: (durability: Durability) => void;
}

/** The replication side of a store on SQLite. */
export function sqliteReplica(
  parts: WorkParts,
  commit: GroupCommit,
  { member, device, nextOrigin, useDurability }: ReplicaOptions,
): Replica {
  const { db, log, digests } = parts;
  const system: Author = { agent_id: SYSTEM_AGENT, device };
  const stability = new Stability();
  const floors = new SnapshotFloors();
  const renewal = new Renewal(parts, commit, system, nextOrigin);
  renewal.resume();
  const checksums = new Checksums(db, digests);
  const forgetting = forgettingOf(parts);
  const identity = (): ReplicaIdentity => ({ member, origin: parts.origin, device });
  return {
    identity,
    // Between two transactions: those that wait are numbered in the new one.
    renew: async (common) => {
      const done = renewal.begin(common ?? parts.confirmed);
      return { ...identity(), ...done };
    },
    hashAt: (origin, sequence) => log.hashAt(origin, sequence),
    takenAt: (origin, sequence) => log.takenAt(origin, sequence),
    confirm: (sequence) => void (parts.confirmed = Math.max(parts.confirmed, sequence)),
    confirmed: () => parts.confirmed,
    renewedOrigins: () => renewal.renewedOrigins(),
    standsAt: (place) => renewal.standsAt(place),
    vector: () => log.vector(),
    root: () => digests.root(),
    read: async (origin, after, limits) => log.read(origin, after, limits),
    apply: async (page) => {
      const result = commit.alone((work) => {
        const applied = applyPage(work, page);
        floors.take(work);
        return applied;
      });
      if (result.items.some(({ outcome }) => outcome === 'applied' || outcome === 'stale')) retryWaiting(parts, commit);
      return result;
    },
    parked: async () => parkedOf(parts),
    parkedNow: () => parkedOf(parts),
    retryParked: async () => retryParked(parts, commit),

    digest: async (prefix) => {
      if (!/^[0-9a-f]{0,12}$/.test(prefix)) throw new InvalidInputError('memory.prefix', 'Not a prefix of places');
      return digests.range(prefix, (first, last) => entriesOf(db, first, last));
    },
    states: async (keys) => statesOf(db, keys),
    repair: async (states) => repair(commit, system, states),
    checkRows: (most) => checksums.check(most),
    damaged: () => checksums.damaged,
    mend: async (states) => checksums.mend(states),
    snapshot: async (after, limits) => snapshotPage(db, after, limits),
    applySnapshot: async (rows, of) => applySnapshot(commit, floors, rows, of),
    adopt: async (vector) => adopt(commit, floors, vector),

    stabilise: async (members, agreed) => {
      const stable = stability.report(members, agreed, (origin, sequence) => stampAt(parts, origin, sequence));
      if (stable === null || stable.floor <= parts.rows.floor()) return { purged: 0 };
      const { floor, needed } = stable;
      const before = tombstones(parts);
      await commit.submit((work) => work.write({ kind: 'purge', before: floor, after: needed }, system));
      return { purged: before - tombstones(parts) };
    },
    forgetTexts: async (stable) => forgetting(stable),
    retain: async (stable, before_ms) => retain(parts, stable, before_ms),
    canonical: async function* () {
      yield* canonicalLines(db);
    },
    onCommit: (listener) => commit.onCommit(listener),
    useDurability,
  };
}

function forgettingOf({ db, log }: WorkParts): (stable: VersionVector) => { emptied: number } {
  let looked_through = '';
  let to_scrub = false;
  return (stable) => {
    const { emptied, through } = forgetStableTexts(db, stable, looked_through);
    looked_through = through;
    if (emptied > 0) log.forgetHashes();
    if (emptied > 0 || to_scrub) to_scrub = !scrubMemories(db);
    return { emptied };
  };
}

function parkedOf({ db }: WorkParts): ParkedOperation[] {
  return db.all<ParkedOperation>(
    `SELECT origin || ':' || sequence AS operation, reason, since_ms FROM parked ORDER BY origin`,
  );
}

interface ParkedRow {
  origin: OriginId;
  sequence: number;
  text: string;
}

function retryParked({ db }: WorkParts, commit: GroupCommit): ApplyResult[] {
  return retry(db.all<ParkedRow>('SELECT origin, sequence, text FROM parked'), commit);
}

function retry(parked: readonly ParkedRow[], commit: GroupCommit): ApplyResult[] {
  return parked.map(({ origin, sequence, text }) =>
    commit.alone((work) => applyPage(work, { origin, first: sequence, operations: [text] })),
  );
}

/** Those that waited for other operations, once something has come in; each that goes in may let another one in. */
function retryWaiting({ db }: WorkParts, commit: GroupCommit): void {
  for (;;) {
    const waiting = db.all<ParkedRow>('SELECT origin, sequence, text FROM parked WHERE reason = ?', WAITS);
    if (!retry(waiting, commit).some(({ stopped }) => stopped === null)) return;
  }
}

async function repair(commit: GroupCommit, system: Author, states: readonly RowState[]): Promise<OperationId[]> {
  const rows = states.map((state) => ({ row: parseRow(state), text: state.state }));
  const { operations } = await commit.submit((work) => {
    for (const { row, text } of rows) {
      const state = JSON.parse(text) as unknown;
      if (!isObject(state) || work.hybrid.isTooFarAhead(newestStamp(row)) || !work.rows.adds(row)) continue;
      work.write({ kind: 'state', row: row.row, key: row.key, state }, system);
    }
  });
  return operations;
}

function applySnapshot(
  commit: GroupCommit,
  floors: SnapshotFloors,
  states: readonly RowState[],
  of?: SnapshotRange,
): number {
  const parsed = states.map(parseRow);
  const rows = of ? parsed.filter(({ row }) => row !== 'floor') : parsed;
  return commit.alone((work) => {
    const stamps = rows.map(newestStamp);
    const ahead = stamps.find((stamp) => stamp !== '' && work.hybrid.isTooFarAhead(stamp));
    if (ahead !== undefined)
      throw new InvalidInputError('memory.stamp_ahead', 'A snapshot holds rows of more than a day ahead', {
        hint: 'Compare the clocks of both machines.',
      });
    const newest = stamps.reduce((latest, stamp) => (stamp > latest ? stamp : latest), '');
    if (newest !== '') work.hybrid.observe(newest);
    if (of) {
      const floor = parsed.filter(({ row }) => row === 'floor');
      floors.hold(floor, of.vector);
      floors.take(work);
    }
    const joined = work.rows.join(rows).filter(Boolean).length;
    if (of && isWithin({ ...work.log.vector(), [work.origin]: 0 }, of.vector))
      work.rows.remove(unlisted(work.db, of, states, work.origin));
    return joined;
  });
}

function adopt(commit: GroupCommit, floors: SnapshotFloors, vector: VersionVector): void {
  for (const [origin, sequence] of Object.entries(vector))
    if (!isOrigin(origin) || !Number.isSafeInteger(sequence) || sequence < 1)
      throw new InvalidInputError('memory.vector', 'Not a version vector');
  commit.alone((work) => {
    for (const [origin, sequence] of Object.entries(vector)) {
      if (origin === work.origin && sequence > work.log.last(origin))
        throw new InvalidInputError('memory.identity_shared', 'A peer has operations of ours that we do not have');
      work.log.skipTo(origin, sequence, work.now_ms);
    }
    for (const origin of Object.keys(vector))
      work.db.run('DELETE FROM parked WHERE origin = ? AND sequence <= ?', origin, work.log.last(origin));
    floors.take(work);
  });
}

/** The last operation of each origin stays: its stamp says how far that origin's clock was (`Stability`). */
async function retain(
  { log, clock }: WorkParts,
  stable: VersionVector,
  before_ms: number,
): Promise<{ removed: number; more: boolean }> {
  for (const [origin, sequence] of Object.entries(stable)) {
    const through = Math.min(sequence, log.last(origin) - 1);
    const trimmed = log.trim(origin, through, before_ms, clock.now_ms());
    if (trimmed.removed > 0) return { removed: trimmed.removed, more: true };
  }
  return { removed: 0, more: false };
}

function stampAt({ log }: WorkParts, origin: string, sequence: number): Stamp {
  const text = log.read(origin, sequence - 1, { max_items: 1 })?.operations[0] ?? '';
  const stamp = /"stamp":"([^"]+)"/.exec(text)?.[1] ?? '';
  return stamp !== '' && stampOrigin(stamp) === origin ? stamp : '';
}

function tombstones({ db }: WorkParts): number {
  return db.value<number>(
    `SELECT (SELECT count(*) FROM memory WHERE dead <> '') + (SELECT count(*) FROM link WHERE present = 0)`,
  );
}
