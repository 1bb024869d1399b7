/** What people may know of the other members: how far each has got, whether it agrees, what is set aside (R13). */
import type { ReplicationContext } from './context.ts';
import type { OriginId, MemberId, VersionVector } from '../origin.ts';
import type { ParkedOperation, Replica } from '../replica.ts';
import type { Alarm } from './members.ts';
import type { Pause } from './pairing/peer-book.ts';
import type { PeerLinkStatus } from './peer-link.ts';
import type { UpkeepResult } from './upkeep.ts';

export interface PeerStatus {
  member: MemberId;
  name: string;
  /** Null: it cannot be dialled, so only it can begin. */
  link: PeerLinkStatus | null;
  /** Its owner holds it: nothing is said to it, nor answered. */
  paused?: Pause | null;
  /** When it last said anything; null: not since our start. */
  heard_ms: number | null;
  /** Operations that we have and it does not, as far as it has said. */
  waiting: number;
  /** When this member took the first of them; null: none waits, or it is past retention. */
  waiting_since_ms: number | null;
  /** When roots were last compared at equal vectors; null: never since our start. */
  checked_ms: number | null;
  /** Since when they differed; null = they do not. */
  diverged_since_ms: number | null;
}

/** What people were told, by kind, since our start. */
export interface RaisedAlarm {
  kind: Alarm['kind'];
  /** Of which peer; the last time. */
  peer: string;
  count: number;
  at_ms: number;
}

export interface ReplicationStatus {
  /** Whether links run: not in a command that opened the memory for a moment. */
  running: boolean;
  member: MemberId;
  origin: OriginId;
  members: number;
  peers: PeerStatus[];
  /** Writes that wait for other members. */
  waiting_writes: number;
  /** Members heard of within the last minute, this one included: as many a write can reach now. */
  reachable: number;
  /** Operations of others that this member cannot take: kept aside, and tried again. */
  parked: ParkedOperation[];
  /** Rows that do not match their checksum and that no peer could give yet. */
  damaged: number;
  alarms: RaisedAlarm[];
  last_upkeep: UpkeepResult | null;
}

/** Four times the interval at which a silent peer is greeted. */
const HEARD_MS = 60_000;

/** Of a peer; its name and its link are the caller's to add. */
export function progressOf(
  { replica, members }: Pick<ReplicationContext, 'replica' | 'members'>,
  member: MemberId,
): Omit<PeerStatus, 'member' | 'name' | 'link' | 'paused'> {
  const mine = replica.vector();
  const theirs = members.vectorOf(member);
  return {
    heard_ms: members.known(member)?.heard_ms ?? null,
    waiting: missing(mine, theirs),
    waiting_since_ms: firstTaken(replica, mine, theirs),
    ...members.agreementWith(member),
  };
}

/** Paired members that a write can reach now. */
export function heardLately({ members, clock }: Pick<ReplicationContext, 'members' | 'clock'>): number {
  const now = clock.monotonic_ms();
  const heard = members.paired.map((member) => members.known(member)?.heard_at_ms ?? -Infinity);
  return heard.filter((at_ms) => now - at_ms < HEARD_MS).length;
}

/** Of a member without replication. */
export function aloneStatus(replica: Replica): ReplicationStatus {
  const { member, origin } = replica.identity();
  return {
    ...{ running: false, member, origin, members: 1, peers: [], waiting_writes: 0, reachable: 1 },
    ...{ parked: replica.parkedNow(), damaged: replica.damaged().length, alarms: [], last_upkeep: null },
  };
}

/** When the first operation that the other side lacks was taken here. */
function firstTaken(replica: Pick<Replica, 'takenAt'>, mine: VersionVector, theirs: VersionVector): number | null {
  const taken = Object.entries(mine).flatMap(([origin, sequence]) => {
    const known = theirs[origin] ?? 0;
    return known < sequence ? (replica.takenAt(origin, known + 1) ?? []) : [];
  });
  return taken.length === 0 ? null : Math.min(...taken);
}

function missing(mine: VersionVector, theirs: VersionVector): number {
  return Object.entries(mine).reduce(
    (sum, [origin, sequence]) => sum + Math.max(0, sequence - (theirs[origin] ?? 0)),
    0,
  );
}
