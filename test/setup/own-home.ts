/**
 * R27: tests live in a home of their own. Runs before each test file, in its own process, and points every
 * variable by which Syncline or an agent finds files into a temporary folder that is removed at the end.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const home = mkdtempSync(join(tmpdir(), 'syncline-test-'));

process.env.HOME = home;
process.env.SYNCLINE_HOME = join(home, '.syncline');
process.env.XDG_CONFIG_HOME = join(home, '.config');
process.env.XDG_DATA_HOME = join(home, '.local', 'share');
process.env.XDG_STATE_HOME = join(home, '.local', 'state');
process.env.XDG_CACHE_HOME = join(home, '.cache');
process.env.CLAUDE_CONFIG_DIR = join(home, '.claude');
process.env.CODEX_HOME = join(home, '.codex');
process.env.TZ = 'UTC';
/** Said to the tests, not to the program: how often the crash test kills, how long a backfill is, which worlds are simulated, from which seed chance comes. */
const OF_TESTS = [
  'SYNCLINE_BACKFILL_MESSAGES',
  'SYNCLINE_HOME',
  'SYNCLINE_CRASH_KILLS',
  'SYNCLINE_SIMULATION_SEED',
  'SYNCLINE_SIMULATION_SEEDS',
  'SYNCLINE_SIMULATION_FROM',
  'SYNCLINE_SIMULATION_SHIFT',
  'SYNCLINE_TEST_SEED',
];
for (const name of Object.keys(process.env)) {
  if (name.startsWith('SYNCLINE_') && !OF_TESTS.includes(name)) delete process.env[name];
}

afterAll(() => rmSync(home, { recursive: true, force: true }));
