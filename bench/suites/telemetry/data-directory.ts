import { join } from 'node:path';
import { loadConfig } from '../../../src/config/load.ts';
import { resolvePaths } from '../../../src/config/paths.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { systemRandom } from '../../../src/platform/random.ts';
import { systemTimers } from '../../../src/platform/timers.ts';
import { openDataDirectory, type DataDirectory } from '../../../src/runtime/data-directory.ts';
import type { Delivery } from '../../../src/engine/ordered/delivery.ts';

export interface BenchHome {
  /** State, configuration and the user's home at once. */
  home: string;
  /** The agent's folder; absent: there is none. */
  claude_config_dir?: string;
}

/** Opens a data directory as the daemon does, with the system's clock, randomness and timers. */
export function openBenchDirectory({ home, claude_config_dir }: BenchHome): Promise<DataDirectory> {
  const env = { HOME: home, SYNCLINE_HOME: home, CLAUDE_CONFIG_DIR: claude_config_dir ?? join(home, '.claude') };
  const paths = resolvePaths({ env, user_home: home, cwd: home });
  return openDataDirectory({
    paths,
    loaded: loadConfig({ file: paths.config_file, env: {} }),
    env,
    clock: systemClock,
    random: systemRandom,
    timers: systemTimers,
    pid: process.pid,
    role: 'laptop',
    team_id: 'local',
    captures: true,
    report: (message) => process.stderr.write(`  ${message}\n`),
  });
}

/** Passes until nothing is left to send. */
export async function deliverAll(delivery: Delivery): Promise<void> {
  const { signal } = new AbortController();
  for (let idle: string | null = null; idle === null;) ({ idle } = await delivery.pass(signal));
}
