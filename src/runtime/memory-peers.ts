import { parseListen } from '../config/fields.ts';
import type { Alarm } from '../memory/replication/members.ts';
import { PeerService } from '../memory/replication/peer-service.ts';
import type { Replication } from '../memory/replication/replication.ts';
import type { Replica } from '../memory/replica.ts';
import { messageOf } from '../platform/errors.ts';
import { programVersion } from '../platform/version.ts';
import type { MemoryFreshness } from '../server/memory-freshness.ts';
import { deviceName } from './device-name.ts';
import type { DirectoryOptions } from './directory-options.ts';

/** The members that this one shares its memory with; nothing is sent or opened before it runs. */
export function openPeers(options: DirectoryOptions, replica: Replica): PeerService {
  const { paths, loaded, clock, timers, random, report } = options;
  const { name, listen, peer } = loaded.config.memory;
  return new PeerService({
    ...{ replica, clock, timers, random },
    keys_dir: paths.keys_dir,
    device: deviceName(name),
    program: programVersion(),
    listen: listen === undefined ? null : parseListen(listen),
    configured: peer,
    onAlarm: (alarm) => report(ALARMS[alarm.kind], { ...alarm }),
    onDefect: (error) => report(`Memory peers: ${messageOf(error)}`),
  });
}

/** What a person is told, once for each. */
const ALARMS: Record<Alarm['kind'], string> = {
  identity_shared:
    'Two machines number their memories as one member; this one no longer talks to the peer. Pair one of them anew.',
  member_cloned: 'Two machines speak as one member of the memory. Pair one of them as itself.',
  renewed:
    'This machine was set back: a peer has memories of it that it lost. It fetches them and goes on under a new number.',
  mended: 'Memories that were damaged on this disk were taken from another member.',
  diverged: 'Memories differed between two members that had the same operations; they were joined.',
};

export function freshnessOf(replication: Replication): MemoryFreshness {
  return {
    members: () => replication.members,
    token: () => replication.readToken(),
    barrier: (level, deadline_ms, signal) => replication.readBarrier(level, deadline_ms, signal),
  };
}
