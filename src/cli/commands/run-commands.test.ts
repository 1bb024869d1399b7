import { describe, expect, it } from 'vitest';
import { ALL_READ, cli, daemon, notRunning, STATUS, TERMINAL } from '../../../test/support/cli-host.ts';
import { LockedError, SynclineError } from '../../platform/errors.ts';
import { configSchema } from '../../config/schema.ts';
import { DEFAULT_LIMITS } from '../../server/limits.ts';
import type { DaemonOptions } from '../runtime.ts';

const LINK = { openLink: async () => ({ url: 'http://127.0.0.1:4777/?key=x8Yz' }) };

describe('up', () => {
  it('shows the first screen on stdout and ends with the code of the daemon', async () => {
    const { exit, stdout, stderr } = await cli(['up'], { runtime: daemon({ ...LINK, status: async () => ALL_READ }) });
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^Syncline 0\.1\.0\. Everything stays[^]*\?key=x8Yz/);
    expect(stderr).toBe('');
  });

  it('draws again until all is read', async () => {
    const reports = [STATUS, STATUS, ALL_READ];
    const status = async () => reports.shift() ?? ALL_READ;
    const { stdout } = await cli(['up'], { runtime: daemon({ ...LINK, status }), host: TERMINAL });
    expect(stdout.match(/\[########--\]/g)).toHaveLength(2);
    expect(stdout).toMatch(/\u001b\[\d+A\u001b\[0J[^]*all read/);
  });

  it('goes on when its screen cannot be drawn', async () => {
    const status = async (): Promise<never> => Promise.reject(new SynclineError('x', 'the store is busy'));
    const { exit, stdout, stderr } = await cli(['up'], { runtime: daemon({ ...LINK, status }) });
    expect([exit, stdout]).toEqual([0, '']);
    expect(stderr).toBe('Syncline runs; its first screen cannot be shown: the store is busy. See: syncline status\n');
  });

  it('hands on port, stream and capture as flags', async () => {
    const seen: DaemonOptions[] = [];
    const argv = ['up', '--port', '5000', '--only', 'telemetry', '--no-capture', '--quiet'];
    const { exit, stdout } = await cli(argv, {
      runtime: daemon({ ...LINK, status: async () => ALL_READ }, false, seen),
    });
    expect([exit, stdout]).toEqual([0, '']);
    expect(seen[0]).toMatchObject({ role: 'laptop', only: 'telemetry' });
    expect(seen[0]?.loaded.config).toMatchObject({ http: { port: 5000 }, capture: { enabled: false } });
    expect(seen[0]?.loaded.origins.get('http.port')).toEqual({ kind: 'flag', name: '--port' });
  });

  it('prints its address as JSON', async () => {
    const { stdout } = await cli(['up', '--json'], {
      runtime: daemon({ ...LINK, status: async () => ALL_READ }, true),
    });
    expect(JSON.parse(stdout)).toEqual({
      schema: 'syncline.up/1',
      url: 'http://127.0.0.1:4777/?key=x8Yz',
      pid: 4711,
      home: STATUS.home,
      sample: true,
    });
  });

  it.each(['0', '70000', 'x', '-1'])('refuses the port %s', async (port) => {
    const { exit, stderr } = await cli(['up', `--port=${port}`]);
    expect(exit).toBe(2);
    expect(stderr).toMatch(/^syncline: [^]*(--port|http\.port)[^]*whole number from 1 to 65535/);
  });

  it('exits 5 when another one runs, with what the runtime says of it', async () => {
    const runDaemon = async (): Promise<never> => {
      throw new LockedError('Syncline is already running, process 4711', 4711, { hint: '`syncline stop` ends it.' });
    };
    const { exit, stderr } = await cli(['up'], { runtime: { runDaemon } });
    expect([exit, stderr]).toEqual([
      5,
      'syncline: Syncline is already running, process 4711\n  → `syncline stop` ends it.\n',
    ]);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('exits after a clean stop by %s with %i', async (_, code) => {
    const interruption = new AbortController();
    interruption.abort(code);
    const runtime = { runDaemon: async () => 0 as const };
    expect((await cli(['up'], { runtime, host: { signal: interruption.signal } })).exit).toBe(code);
  });
});

describe('server', () => {
  it('announces its address', async () => {
    const seen: DaemonOptions[] = [];
    const { exit, stdout, stderr } = await cli(
      [
        'server',
        '--listen',
        '0.0.0.0:443',
        '--behind-proxy',
        '10.0.0.0/8',
        '--behind-proxy',
        'fd00::/8',
        '--public-url',
        'https://s.acme.dev',
      ],
      { runtime: daemon({ status: async () => ALL_READ }, false, seen) },
    );
    expect([exit, stdout]).toEqual([0, '']);
    expect(stderr).toMatch(/^Syncline 0\.1\.0 serves at http:\/\/127\.0\.0\.1:4777, process 4711\.\n/);
    expect(seen[0]).toMatchObject({ role: 'server', only: null });
    expect(seen[0]?.loaded.config.server).toMatchObject({
      listen: '0.0.0.0:443',
      behind_proxy: ['10.0.0.0/8', 'fd00::/8'],
      public_url: 'https://s.acme.dev',
    });
  });

  it('has the limits that the configuration names, with the same defaults', () => {
    expect(DEFAULT_LIMITS).toMatchObject(configSchema.parse({}).server.limits);
  });

  it('does not start on an open address without TLS, and says what is missing (R7)', async () => {
    const { exit, stderr } = await cli(['server', '--listen', '0.0.0.0:443']);
    expect(exit).toBe(2);
    expect(stderr).toContain(
      '--listen: server.listen must be a loopback address, or come with tls_cert and tls_key, or with behind_proxy',
    );
  });
});

describe('stop', () => {
  it('waits until the daemon has ended', async () => {
    const answers = ['running', 'starting', 'gone'];
    const connectOperator = async () => {
      const answer = answers.shift();
      if (answer === 'starting') throw new SynclineError('daemon.starting', 'holds the directory');
      if (answer === undefined) return notRunning({} as never);
      return {
        stop: async () => ({ pid: 4711 }),
        status: async () => STATUS,
        [Symbol.asyncDispose]: async () => undefined,
      } as never;
    };
    const { exit, stderr } = await cli(['stop'], { runtime: { connectOperator } });
    expect([exit, stderr, answers]).toEqual([0, 'Stopped process 4711.\n', []]);
  });

  it('is content when nothing runs', async () => {
    const { exit, stdout, stderr } = await cli(['stop', '--json'], { runtime: { connectOperator: notRunning } });
    expect([exit, stderr]).toEqual([0, 'Syncline is not running.\n']);
    expect(JSON.parse(stdout)).toEqual({ schema: 'syncline.stop/1', stopped: false, pid: null });
  });

  it('gives up on a daemon that does not end', async () => {
    let now_ms = 0;
    const clock = { now_ms: () => 0, monotonic_ms: () => (now_ms += 10_000) };
    const operator = { stop: async () => ({ pid: 4711 }), status: async () => STATUS };
    const { exit, stderr } = await cli(['stop'], { operator, host: { clock } });
    expect(exit).toBe(3);
    expect(stderr).toContain('Process 4711 has agreed to stop and still runs after 30 s.');
  });
});
