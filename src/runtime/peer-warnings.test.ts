import { describe, expect, test } from 'vitest';
import type { PeerStatus, ReplicationStatus } from '../memory/replication/replication-status.ts';
import { peerWarnings } from './peer-warnings.ts';

const NOW = 100 * 3_600_000;
const HOUR = 3_600_000;

const WELL: PeerStatus = {
  ...{ member: 'bbbb', name: 'desktop', link: null, heard_ms: NOW - 5000, waiting: 0, waiting_since_ms: null },
  ...{ checked_ms: NOW, diverged_since_ms: null },
};

function warnings(peer: Partial<PeerStatus>, more: Partial<ReplicationStatus> = {}, write_quorum = 1): string[] {
  const peers: ReplicationStatus = {
    ...{ running: true, member: 'aaaa', origin: 'aaaa.1', members: 2, reachable: 2, waiting_writes: 0 },
    ...{ parked: [], alarms: [], damaged: 0, last_upkeep: null, peers: [{ ...WELL, ...peer }] },
    ...more,
  };
  const memory = {
    memories: 0,
    archived: 0,
    pending: 0,
    operations: 0,
    size_bytes: 0,
    write_quorum,
    damaged: 0,
    peers,
  };
  return peerWarnings(memory, NOW);
}

const held = (reason: string, origin: string): Partial<PeerStatus> => ({
  link: {
    ...{ state: 'following', since_ms: 0, last_error: null, repaired: 0 },
    held: [{ origin, sequence: 7, reason }],
  },
});

describe('what status says of the machines that share a memory (R13)', () => {
  test('nothing while all is well, nor of one that lags or was away for less than an hour', () => {
    expect(warnings({})).toEqual([]);
    expect(warnings({ waiting: 40, heard_ms: NOW - HOUR + 1 }, { reachable: 1 }, 2)).toEqual([]);
    expect(peerWarnings(null, NOW)).toEqual([]);
  });

  test('rows that differ for longer than a repair takes', () => {
    expect(warnings({ diverged_since_ms: NOW - 60_000 })).toEqual([]);
    expect(warnings({ diverged_since_ms: NOW - 20 * 60_000 })[0]).toContain(
      'differ from those of desktop for 20 minutes',
    );
  });

  test('what a silent peer costs when writes wait for others', () => {
    const silent = { heard_ms: NOW - 3 * HOUR };
    expect(warnings(silent, { reachable: 1 }, 1)).toEqual([]);
    expect(warnings(silent, { reachable: 1 }, 2)).toEqual([
      'write_quorum = 2 of 2: 1 can be reached now (desktop, silent for 3 h), ' +
        'so every write waits in vain for memory.quorum_timeout; HTTP answers 503',
    ]);
    expect(warnings(silent, { members: 3, reachable: 2 }, 2)[0]).toContain('one more that falls silent stops');
  });

  test('operations that somebody set aside, and what to do about a clock that was ahead', () => {
    expect(warnings(held('memory.stamp_ahead', 'aaaa.1'))[0]).toContain('syncline memory peers renew');
    expect(warnings(held('memory.stamp_ahead', 'cccc.1'))[0]).not.toContain('renew');
    expect(warnings(held('memory.unknown_kind', 'cccc.1'))[0]).toContain('a newer Syncline wrote it');
    const parked = [{ operation: 'cccc.1:3', reason: 'memory.unknown_version', since_ms: 0 }];
    expect(warnings({}, { parked })[0]).toContain('cccc.1:3 of another machine is set aside here');
  });

  test('rows that are not what was written, also on a machine alone', () => {
    const memory = { memories: 1, archived: 0, pending: 0, operations: 1, size_bytes: 0, write_quorum: 1, peers: null };
    expect(peerWarnings({ ...memory, damaged: 2 }, NOW)[0]).toContain('memory.db: 2 rows are not what was written');
    expect(peerWarnings({ ...memory, damaged: 0 }, NOW)).toEqual([]);
  });

  test('two machines that write as one', () => {
    const alarms = [{ kind: 'identity_shared' as const, peer: 'desktop', count: 1, at_ms: NOW }];
    expect(warnings({}, { alarms })[0]).toContain('pair it anew');
  });
});
