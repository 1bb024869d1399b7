/**
 * A machine's data directory open in this process instead of in a program of its own: the same configuration, files and
 * verbs, without the seconds that a process takes to start, and with a clock that stands where a test wants it.
 */
import { loadConfig } from '../../src/config/load.ts';
import { resolvePaths } from '../../src/config/paths.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { systemTimers } from '../../src/platform/timers.ts';
import { openDataDirectory } from '../../src/runtime/data-directory.ts';
import { localOperator } from '../../src/runtime/local-operator.ts';
import type { FlushResult, Operator, StatusReport } from '../../src/runtime/operator.ts';
import { scopeOf } from '../../src/runtime/role.ts';
import { NOT_RUNNING } from '../../src/runtime/status-report.ts';
import { tokenVerbs } from '../../src/runtime/tokens.ts';
import type { SearchHit, SessionSummary } from '../../src/sessions/store/session-store.ts';
import type { Machine } from './machine.ts';

export type OpenMachine = Operator & {
  /** One round and all deliveries of conversations. */
  flushed: () => Promise<FlushResult>;
  /** Every conversation that `sessions list` lists. */
  listed: () => Promise<SessionSummary[]>;
  found: (text: string) => Promise<SearchHit[]>;
  reports: string[];
};

const PAGE = { limit: 500, after: null };

/** Opens, works, closes; `ahead_ms`: by how much the clock is ahead of the real one. */
export async function opened<T>(
  machine: Machine,
  work: (open: OpenMachine) => Promise<T>,
  { ahead_ms = 0 } = {},
): Promise<T> {
  const env = machine.env();
  const paths = resolvePaths({ env, user_home: machine.home, cwd: machine.home });
  const loaded = loadConfig({ file: paths.config_file, env, flags: [] });
  const reports: string[] = [];
  const directory = await openDataDirectory({
    ...{ paths, loaded, env, random: systemRandom, timers: systemTimers, pid: process.pid },
    ...scopeOf('laptop', loaded),
    clock: { now_ms: () => systemClock.now_ms() + ahead_ms, monotonic_ms: () => systemClock.monotonic_ms() },
    report: (message) => void reports.push(message),
  });
  try {
    const tokens = tokenVerbs(directory.tokens(null), directory.options.team_id);
    const daemon = { tokens, openLink: null, stop: null, wake: () => undefined };
    const operator = localOperator(directory, NOT_RUNNING, daemon, 'test');
    return await work({
      ...operator,
      flushed: () => operator.flush({ stream: 'sessions', timeout_ms: 30_000 }),
      listed: async () => (await operator.conversations({ filter: {}, page: PAGE })).sessions,
      found: async (text) => (await operator.searchConversations({ search: { text }, page: PAGE })).hits,
      reports,
    });
  } finally {
    await directory.close();
  }
}

/** What `status` says of the source that is read. */
export function sourceIn(status: StatusReport): object | undefined {
  return status.conversations?.sources.find(({ in_use }) => in_use);
}
