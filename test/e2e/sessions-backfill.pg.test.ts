import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BackfillAnswer } from '../support/backfill-process.ts';
import { writeLongHistory } from '../support/long-history.ts';
import { query, startPostgres, type TestPostgres } from '../support/postgres.ts';

/** Long mode: how many messages are brought to the stores, with talk of usual sizes. */
const LONG_MESSAGES = Number(process.env['SYNCLINE_BACKFILL_MESSAGES'] ?? 0);
const TIMEOUT_MS = 3_600_000;
/** More at its peak than a short history takes. */
const MOST_MORE_MIB = 64;

let postgres: TestPostgres;
beforeAll(async () => void (postgres = await startPostgres(['fsync=on', 'max_wal_size=2GB'])), 60_000);
// Large files of a long run take a while to go.
afterAll(() => postgres.remove(), 300_000);

interface Backfill {
  messages: number;
  output_chars: number;
  node_flags: string[];
}

/** From agentsview's database through sweep, masking and delivery into the store of this machine and a PostgreSQL. */
async function backfill({ messages, output_chars, node_flags }: Backfill): Promise<BackfillAnswer & { rows: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-backfill-'));
  try {
    const cwd = join(folder, 'web');
    mkdirSync(cwd);
    writeLongHistory(join(folder, 'agentsview'), { messages, output_chars, cwd });
    const url = await postgres.createDatabase();
    const state = join(folder, 'state');
    mkdirSync(state, { mode: 0o700 });
    writeFileSync(join(folder, 'database'), `${url}\n`, { mode: 0o600 });
    const destination = `type = "postgres"\nurl = { file = "${folder}/database" }\nmember = "ada"\nprojects = ["${cwd}"]`;
    writeFileSync(join(state, 'config.toml'), `[sessions]\nhold = "1s"\n[[sessions.destination]]\n${destination}\n`, {
      mode: 0o600,
    });
    const env = {
      PATH: process.env['PATH'],
      HOME: folder,
      SYNCLINE_HOME: state,
      AGENTSVIEW_DATA_DIR: join(folder, 'agentsview'),
      CLAUDE_CONFIG_DIR: join(folder, 'claude'),
      CODEX_HOME: join(folder, 'codex'),
    };
    const script = fileURLToPath(new URL('../support/backfill-process.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--no-memory-protection-keys', ...node_flags, script, folder, String(TIMEOUT_MS)],
      { env },
    );
    const [row] = await query(url, 'SELECT count(*)::int AS rows FROM syncline_sessions.message');
    return { ...(JSON.parse(stdout) as BackfillAnswer), rows: Number(row?.['rows']) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const EVERYTHING = [
  { destination: 'local', stream: 'sessions', remaining: 0, reason: null, on_hold: null },
  { destination: 'postgres', stream: 'sessions', remaining: 0, reason: null, on_hold: null },
];

test('a history of 100 MB reaches both stores with a heap that could not hold it', async () => {
  const messages = 8_000;
  const node_flags = ['--max-old-space-size=64'];
  const { destinations, kept, rows, reports } = await backfill({ messages, output_chars: 24_000, node_flags });
  expect(reports).toEqual([]);
  expect(destinations).toMatchObject(EVERYTHING);
  expect({ kept, rows }).toEqual({ kept: messages, rows: messages });
}, 300_000);

test.runIf(LONG_MESSAGES > 0)(
  `a backfill of ${LONG_MESSAGES} messages takes no more memory than one of 10,000`,
  async () => {
    const node_flags = ['--max-semi-space-size=8', '--heap-growing-percent=20'];
    const small = await backfill({ messages: 10_000, output_chars: 600, node_flags });
    const large = await backfill({ messages: LONG_MESSAGES, output_chars: 600, node_flags });
    const figures = (of: BackfillAnswer): string => `${Math.round(of.peak_mib)} MiB, ${of.seconds.toFixed(1)} s`;
    process.stdout.write(`10,000 messages: ${figures(small)}; ${LONG_MESSAGES}: ${figures(large)}\n`);
    expect(large.destinations).toMatchObject(EVERYTHING);
    expect({ kept: large.kept, rows: large.rows }).toEqual({ kept: LONG_MESSAGES, rows: LONG_MESSAGES });
    expect(large.peak_mib - small.peak_mib).toBeLessThanOrEqual(MOST_MORE_MIB);
  },
  2 * TIMEOUT_MS,
);
