import { loadConfig } from '../../../src/config/load.ts';
import { resolvePaths } from '../../../src/config/paths.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { SynclineError } from '../../../src/platform/errors.ts';
import { systemRandom } from '../../../src/platform/random.ts';
import { systemTimers } from '../../../src/platform/timers.ts';
import { openMemory, type MemoryDirectory } from '../../../src/runtime/open-memory.ts';

export interface OpenMember extends MemoryDirectory {
  /** Listens, dials the others and waits until so many of them have answered. */
  join: (peers: number) => Promise<void>;
  stop: () => Promise<void>;
}

/** Opens the memories of a home as the daemon does. */
export async function openMember(home: string): Promise<OpenMember> {
  const env = { HOME: home, SYNCLINE_HOME: home };
  const paths = resolvePaths({ env, user_home: home, cwd: home });
  const directory = await openMemory({
    paths,
    loaded: loadConfig({ file: paths.config_file, env: {} }),
    env,
    clock: systemClock,
    random: systemRandom,
    timers: systemTimers,
    pid: process.pid,
    role: 'laptop',
    team_id: 'local',
    captures: false,
    report: (message) => process.stderr.write(`  ${message}\n`),
  });
  if (!directory) throw new SynclineError('bench.member', 'The home of a member keeps no memory');
  const ended = new AbortController();
  let running = Promise.resolve();
  return {
    ...directory,
    join: async (peers) => {
      running = directory.peers.run(ended.signal);
      while (heard(directory) < peers) await systemTimers.sleep(1);
    },
    stop: async () => {
      ended.abort('stopped');
      await running;
      await directory.close();
    },
  };
}

function heard({ peers }: MemoryDirectory): number {
  return peers.replication.status().peers.filter(({ heard_ms }) => heard_ms !== null).length;
}
