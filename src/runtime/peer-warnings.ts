/** What people must know of the machines that share their memory, as sentences of `status` (R13). */
import type { PeerStatus, RaisedAlarm, ReplicationStatus } from '../memory/replication/replication-status.ts';
import type { StatusReport } from './operator.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** A repair takes seconds; rows that differ for longer are not being repaired. */
const DIVERGED_MS = 5 * MINUTE_MS;
const RENEW = '`syncline memory peers renew`';

export function peerWarnings(memory: StatusReport['memory'], now_ms: number): string[] {
  if (memory === null) return [];
  const { peers } = memory;
  if (peers === null) return damage(memory.damaged);
  return [
    ...damage(memory.damaged),
    ...peers.peers.flatMap(paused),
    ...peers.peers.flatMap((peer) => [...divergence(peer, now_ms), ...notTaken(peer, peers)]),
    ...quorum(peers, memory.write_quorum, now_ms),
    ...peers.parked.map(
      ({ operation, reason }) => `the memory ${operation} of another machine is set aside here: ${whyAside(reason)}`,
    ),
    ...peers.alarms.flatMap(sharedIdentity),
  ];
}

function damage(rows: number): string[] {
  if (rows === 0) return [];
  return [
    `memory.db: ${rows} ${rows === 1 ? 'row is' : 'rows are'} not what was written (a damaged disk?), and no other machine could give ${rows === 1 ? 'it' : 'them'} yet: look at the disk, keep a copy`,
  ];
}

function paused({ name, paused }: PeerStatus): string[] {
  if (!paused) return [];
  const until =
    paused.until_ms === null ? 'until `syncline resume`' : `until ${new Date(paused.until_ms).toISOString()}`;
  return [`${name} is paused ${until}; nothing of memory is said to it by this machine`];
}

function divergence({ name, diverged_since_ms }: PeerStatus, now_ms: number): string[] {
  if (diverged_since_ms === null || now_ms - diverged_since_ms < DIVERGED_MS) return [];
  const minutes = Math.floor((now_ms - diverged_since_ms) / MINUTE_MS);
  return [
    `memories differ from those of ${name} for ${minutes} minutes though both have the same operations: see \`syncline logs\``,
  ];
}

/** What the peer set aside; of our own operations this machine can do something about it. */
function notTaken({ name, link }: PeerStatus, { member }: ReplicationStatus): string[] {
  return (link?.held ?? []).map(({ origin, sequence, reason }) => {
    const ours = origin.startsWith(`${member}.`);
    const advice =
      ours && reason === 'memory.stamp_ahead'
        ? `. Set this machine's clock right, then: ${RENEW} (nothing is lost)`
        : '';
    return `${name} does not take the memory ${origin}:${sequence}: ${whyAside(reason)}${advice}`;
  });
}

function whyAside(reason: string): string {
  if (reason === 'memory.stamp_ahead') return 'it was written more than a day ahead of the clock there';
  if (reason === 'memory.unknown_kind' || reason === 'memory.unknown_version')
    return 'a newer Syncline wrote it; upgrade';
  if (reason === 'memory.waits') return 'it waits for others';
  return reason;
}

/** When W > 1 and somebody has been silent for an hour: what W costs now. */
function quorum({ peers, members, reachable }: ReplicationStatus, write_quorum: number, now_ms: number): string[] {
  if (write_quorum <= 1) return [];
  const silent = peers.filter((peer) => silentSince(peer, now_ms));
  if (silent.length === 0) return [];
  const names = silent.map(({ name, heard_ms }) =>
    heard_ms === null
      ? `${name}, not heard since the start`
      : `${name}, silent for ${Math.floor((now_ms - heard_ms) / HOUR_MS)} h`,
  );
  const spare = reachable - write_quorum;
  const cost =
    spare < 0
      ? 'so every write waits in vain for memory.quorum_timeout; HTTP answers 503'
      : spare === 0
        ? 'so one more that falls silent stops writes that wait'
        : `so ${spare} more may fall silent`;
  return [
    `write_quorum = ${write_quorum} of ${members}: ${reachable} can be reached now (${names.join('; ')}), ${cost}`,
  ];
}

function silentSince({ heard_ms, link }: PeerStatus, now_ms: number): boolean {
  return now_ms - (heard_ms ?? link?.since_ms ?? 0) >= HOUR_MS;
}

function sharedIdentity({ kind, peer }: RaisedAlarm): string[] {
  if (kind === 'member_cloned')
    return [`two machines speak as the member ${peer}: on the copy remove keys/memory-member.key and pair it anew`];
  if (kind === 'identity_shared')
    return [
      `two machines numbered memories as one member (seen with ${peer}): each goes on under its own number, nothing is lost; on the copy remove keys/memory-member.key and pair it anew`,
    ];
  return [];
}
