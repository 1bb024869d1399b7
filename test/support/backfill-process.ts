/**
 * One process: opens a data directory as the program does, reads every conversation there is and brings it to all configured
 * stores. Answers on stdout with what it took.
 */
import { loadConfig } from '../../src/config/load.ts';
import { resolvePaths } from '../../src/config/paths.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { systemTimers } from '../../src/platform/timers.ts';
import { openDataDirectory } from '../../src/runtime/data-directory.ts';
import { flush } from '../../src/runtime/flush.ts';
import type { FlushResult } from '../../src/runtime/operator.ts';
import { scopeOf } from '../../src/runtime/role.ts';

export interface BackfillAnswer {
  destinations: FlushResult['destinations'];
  /** Messages that the store of this machine has. */
  kept: number;
  /** Of the whole process, at its largest. */
  peak_mib: number;
  /** Of the sweep and all deliveries. */
  seconds: number;
  reports: string[];
}

const [home = '', timeout_ms = '600000'] = process.argv.slice(2);
const paths = resolvePaths({ env: process.env, user_home: home, cwd: home });
const loaded = loadConfig({ file: paths.config_file, env: {}, flags: [] });
const reports: string[] = [];
const directory = await openDataDirectory({
  ...{ paths, loaded, env: process.env, clock: systemClock, random: systemRandom, timers: systemTimers },
  ...{ pid: process.pid, ...scopeOf('laptop', loaded) },
  report: (message) => void reports.push(message),
});
const began_ms = systemClock.monotonic_ms();
const { destinations } = await flush(directory, { stream: 'sessions', timeout_ms: Number(timeout_ms) });
const seconds = (systemClock.monotonic_ms() - began_ms) / 1000;
const totals = await directory.sessions?.store.totals({ team_id: directory.options.team_id });
await directory.close();
const peak_mib = process.resourceUsage().maxRSS / 1024;
const answer: BackfillAnswer = { destinations, kept: totals?.messages ?? 0, peak_mib, seconds, reports };
process.stdout.write(JSON.stringify(answer));
