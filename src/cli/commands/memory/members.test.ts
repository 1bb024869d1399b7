import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cli, NOW_MS, TERMINAL, type CliResult } from '../../../../test/support/cli-host.ts';
import type { MemoryAccess } from '../../../memory/memory-access.ts';
import { PeerBook } from '../../../memory/replication/pairing/peer-book.ts';
import type { ReplicationStatus } from '../../../memory/replication/replication-status.ts';

let home = '';
beforeEach(() => void (home = mkdtempSync(join(tmpdir(), 'syncline-cli-'))));
afterEach(() => rmSync(home, { recursive: true }));

const FINGERPRINTS = { desktop: 'ab'.repeat(32), laptop: 'cd'.repeat(32) };

/** Two paired machines: one that lags and differs, one that only dials us. */
function paired(): ReplicationStatus {
  mkdirSync(join(home, 'keys'));
  const book = new PeerBook(join(home, 'keys'));
  book.add({ name: 'desktop', fingerprint: FINGERPRINTS.desktop, url: 'https://desktop.lan:4778', added_ms: 0 });
  book.add({ name: 'laptop', fingerprint: FINGERPRINTS.laptop, url: null, added_ms: 0 });
  const [desktop, laptop] = book.peers().map(({ name, member }) => ({ name, member }));
  const link = { state: 'following' as const, since_ms: 0, last_error: null, repaired: 0, held: [] };
  return {
    ...{ running: true, member: 'us', origin: 'us.1', members: 3, reachable: 2, waiting_writes: 0, damaged: 0 },
    ...{ alarms: [], last_upkeep: null },
    parked: [{ operation: 'zzzz.1:7', reason: 'memory.unknown_kind', since_ms: 0 }],
    peers: [
      {
        ...{ ...desktop!, link, heard_ms: NOW_MS - 3000, waiting: 12, waiting_since_ms: NOW_MS - 40_000 },
        ...{ checked_ms: NOW_MS, diverged_since_ms: NOW_MS - 60_000 },
      },
      {
        ...{ ...laptop!, link: null, heard_ms: null, waiting: 0, waiting_since_ms: null },
        ...{ checked_ms: null, diverged_since_ms: null },
      },
    ],
  };
}

function run(argv: string[], memories: Partial<MemoryAccess>): Promise<CliResult> {
  return cli(['memory', 'peers', ...argv], { memories, host: { env: { SYNCLINE_HOME: home }, ...TERMINAL } });
}

describe('memory peers list', () => {
  test('of a running Syncline: who lags, is silent, differs; what is set aside here', async () => {
    const status = paired();
    const { exit, stdout } = await run(['list'], { peers: async () => status });
    expect(exit).toBe(0);
    const [, desktop, laptop, aside] = stdout.split('\n').map((line) => line.replaceAll(/ +/g, ' ').trim());
    expect(desktop).toMatch(/^desktop \S+ following \S+ 12 \(40 s\) differs$/);
    expect(laptop).toMatch(/^laptop .* dials us never 0 not compared$/);
    expect(aside).toBe('Set aside here: zzzz.1:7 (memory.unknown_kind)');
  });

  test('as JSON all of it; where nothing runs the names and addresses alone', async () => {
    const status = paired();
    const { stdout } = await run(['list', '--json'], { peers: async () => status });
    expect(JSON.parse(stdout)).toMatchObject({
      peers: [{ name: 'desktop', progress: { waiting: 12, diverged_since_ms: NOW_MS - 60_000 } }, { name: 'laptop' }],
      status: { members: 3, reachable: 2, parked: [{ operation: 'zzzz.1:7' }] },
    });
    const stopped = await run(['list', '--json'], { peers: async () => ({ ...status, running: false }) });
    expect(JSON.parse(stopped.stdout)).toMatchObject({
      peers: [{ name: 'desktop', progress: null }, {}],
      status: null,
    });
  });
});

describe('memory peers renew', () => {
  const renewed = { member: 'us', device: 'd', origin: 'us.2', told: 3, restamped: 2 };

  test('says under which number this machine goes on and what went with it', async () => {
    const { exit, stderr } = await run(['renew', '--yes'], { renew: async () => renewed });
    expect(exit).toBe(0);
    expect(stderr).toContain('From now on this machine writes as us.2. 3 operations');
    expect(stderr).toContain('2 operations of a clock that was ahead');
    const { stdout } = await run(['renew', '--yes', '--json'], { renew: async () => renewed });
    expect(JSON.parse(stdout)).toMatchObject({ origin: 'us.2', told: 3, restamped: 2 });
  });
});
