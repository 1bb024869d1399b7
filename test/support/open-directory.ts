import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadConfig } from '../../src/config/load.ts';
import { resolvePaths } from '../../src/config/paths.ts';
import { seededRandom } from '../../src/platform/random.ts';
import type { Timers } from '../../src/platform/timers.ts';
import { loadHashing, parseSalt } from '../../src/redaction/hashing.ts';
import { openDataDirectory, type DataDirectory } from '../../src/runtime/data-directory.ts';
import { buildRecord } from '../../src/telemetry/hooks/build-record.ts';
import type { Payload } from '../../src/telemetry/hooks/payload.ts';
import { appendRecord } from '../../src/telemetry/hooks/spool-writer.ts';
import { promptLine } from './claude-transcripts.ts';
import { scratchDirectory } from './scratch-directory.ts';

/** A data directory open in this process: real databases, a clock that tests move, timers that do not wait. */
export interface OpenDirectory extends AsyncDisposable {
  directory: DataDirectory;
  home: string;
  reports: string[];
  advance(by_ms: number): void;
  /** Adds prompts to a session's transcript in the project `/sample/<project>`. */
  say(session: string, project: string, ...prompts: string[]): void;
  /** Leaves in the spool what the hook of an agent leaves there. */
  hook(session: string, project: string, payload: Payload): void;
}

const START = Date.UTC(2026, 10, 20, 12);

export async function openDirectory(config = ''): Promise<OpenDirectory> {
  const scratch = scratchDirectory();
  const env = {
    HOME: scratch.path,
    SYNCLINE_HOME: join(scratch.path, 'state'),
    CLAUDE_CONFIG_DIR: join(scratch.path, 'claude'),
  };
  const paths = resolvePaths({ env, user_home: scratch.path, cwd: scratch.path });
  mkdirSync(paths.home, { mode: 0o700 });
  writeFileSync(paths.config_file, config, { mode: 0o600 });
  writeFileSync(join(paths.home, 'team.token'), 'syn_token\n', { mode: 0o600 });
  writeFileSync(join(paths.home, 'team.salt'), `${'ab'.repeat(32)}\n`, { mode: 0o600 });
  let now_ms = START;
  const reports: string[] = [];
  const timers: Timers = {
    sleep: async (delay_ms, signal) => {
      if (Number.isFinite(delay_ms) && delay_ms < 1_000) now_ms += delay_ms;
      else await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
    },
  };
  const directory = await openDataDirectory({
    paths,
    loaded: loadConfig({ file: paths.config_file, env: {}, flags: [] }),
    env,
    clock: { now_ms: () => now_ms, monotonic_ms: () => now_ms },
    random: seededRandom(1),
    timers,
    pid: process.pid,
    role: 'laptop',
    team_id: 'local',
    captures: true,
    report: (message) => void reports.push(message),
  });
  const hashing = await loadHashing();
  const said = new Map<string, number>();
  return {
    directory,
    home: paths.home,
    reports,
    advance: (by_ms) => void (now_ms += by_ms),
    say: (session, project, ...prompts) => {
      const file = join(env.CLAUDE_CONFIG_DIR, 'projects', `-sample-${project}`, `${session}.jsonl`);
      mkdirSync(dirname(file), { recursive: true });
      for (const prompt of prompts) {
        const n = said.get(session) ?? 0;
        said.set(session, n + 1);
        const own = { sessionId: session, cwd: `/sample/${project}`, timestamp: new Date(now_ms).toISOString() };
        writeFileSync(file, promptLine(`${session}-${n}`, prompt, own), { flag: 'a' });
      }
      utimesSync(file, now_ms / 1000, now_ms / 1000);
    },
    hook: (session, project, own) => {
      const salt = parseSalt(readFileSync(join(paths.keys_dir, 'hook-salt'), 'utf8'));
      if (!salt) throw new Error('no salt for hooks');
      const clock = { now_ms: () => now_ms, monotonic_ms: () => now_ms };
      const payload = { session_id: session, cwd: `/sample/${project}`, ...own };
      const record = buildRecord(
        { payload, bytes: 100, truncated: false },
        { declared: 'claude', clock, hashing, salt, content: 'none', private: false },
      );
      if (!appendRecord(paths.spool_dir, record)) throw new Error('the spool is full');
    },
    [Symbol.asyncDispose]: async () => {
      await directory.close();
      scratch.remove();
    },
  };
}
