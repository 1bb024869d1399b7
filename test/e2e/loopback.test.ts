/**
 * Nothing leaves (product page §4, row 20): in a network namespace that has only loopback the program behaves as it does
 * outside, and outside it opens no connection that leads anywhere else.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { until } from '../support/condition.ts';
import { freePort } from '../support/free-port.ts';
import { Machine, SYNCLINE } from '../support/machine.ts';
import type { Program } from '../support/program.ts';
import { placeWorkedExample } from '../support/worked-example.ts';

/** Why this system cannot make such a namespace, or null. */
function reasonToSkip(): string | null {
  if (process.platform !== 'linux') return `network namespaces are Linux's, this is ${process.platform}`;
  const tried = spawnSync('unshare', ['-rn', 'ip', 'link', 'set', 'lo', 'up'], { encoding: 'utf8' });
  if (tried.error) return `unshare cannot be run: ${tried.error.message}`;
  return tried.status === 0 ? null : `unshare -rn is not allowed here: ${tried.stderr.trim()}`;
}

const skip = reasonToSkip();
if (skip !== null) console.warn(`skipped: the test in a namespace with only loopback, because ${skip}`);

const WORDS = ['status', 'flush', 'report', 'preview', 'doctor', 'stop'] as const;
type Behaviour = Record<(typeof WORDS)[number], unknown>;

/** Runs `up` and the commands of a day under `prefix`, and tells all that they printed that is not of the moment. */
async function behaviour(machine: Machine, port: number, prefix: readonly string[]): Promise<Behaviour> {
  // One shell for all, because each `unshare` would make a namespace of its own.
  const script = `
    ${prefix.length > 0 ? 'ip link set lo up' : ':'}
    "$SYNCLINE" up --port ${port} >up.out 2>up.err & pid=$!
    for i in $(seq 600); do grep -qs 'all read' up.out && break; sleep 0.05; done
    say() { name=$1; shift; "$SYNCLINE" "$@" >$name.out 2>$name.err; echo $? >$name.exit; }
    say flush flush --json
    say status status --json
    say report telemetry report --by project --since 3650d --json
    say preview preview
    say doctor doctor --json
    say stop stop
    wait $pid; echo $? >up.exit`;
  const [command = 'sh', ...args] = [...prefix, 'sh', '-c', script];
  const { exit, stderr } = await machine.program(command, args, { env: { SYNCLINE } }).ended();
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  const read = (name: string): string => readFileSync(join(machine.home, name), 'utf8');
  expect(read('up.exit').trim()).toBe('0');
  expect(read('up.err')).toBe('');
  return Object.fromEntries(
    WORDS.map((name) => [name, { exit: read(`${name}.exit`).trim(), out: steady(read(`${name}.out`), machine) }]),
  ) as Behaviour;
}

/** What two machines and two moments have in common. */
function steady(printed: string, machine: Machine): string {
  return (
    printed
      .replaceAll(machine.home, 'HOME')
      .replaceAll(/blake3:[0-9a-f]{64}|\/[0-9a-f]{16}\/[0-9a-f]{8}\//g, 'HASH')
      .replaceAll(/"(event_seq|pid|bytes|delivered|[a-z_]*_ms)": ?\d+/g, '"$1": N')
      .replaceAll(/"owner_rank":"[^"]*"/g, 'RANK')
      // A conversation's key, owner and fingerprint are of its machine.
      .replaceAll(/"(key|parent_key|owner|fingerprint)":"[^"]*"/g, '"$1":"ID"')
      .replaceAll(/^→ local {2}[0-9a-f]{12}/gm, '→ local  ID')
      .replaceAll(/"counters": \{.*?\n {2}\}/gs, 'COUNTERS')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replaceAll(/process \d+|127\.0\.0\.1:\d+|\d+(?:\.\d+)? [kMG]?B/g, 'N')
  );
}

test.skipIf(skip !== null)('only loopback: the same behaviour', { timeout: 120_000 }, async () => {
  await using outside = new Machine();
  await using inside = new Machine();
  for (const machine of [outside, inside]) placeWorkedExample(machine);
  const port = await freePort();
  const free = await behaviour(outside, port, []);
  const alone = await behaviour(inside, port, ['unshare', '-rn']);
  expect(alone).toEqual(free);
  expect(JSON.stringify(free.report)).toContain('0.019889');
});

test.skipIf(process.platform !== 'linux')('no socket leads beyond loopback', { timeout: 60_000 }, async () => {
  await using machine = new Machine();
  placeWorkedExample(machine);
  const up = await machine.up();
  const seen = new Set<string>();
  let looks = 0;
  await until('everything is read', async () => {
    for (const address of remoteAddresses(up)) seen.add(address);
    looks++;
    const { sources } = await machine.status();
    return looks > 5 && sources.some(({ bytes, read_bytes }) => bytes > 0 && bytes === read_bytes);
  });
  expect(await machine.run(['flush'])).toMatchObject({ exit: 0 });
  for (const address of remoteAddresses(up)) seen.add(address);
  expect([...seen].filter((address) => !/^(?:127\.|0\.0\.0\.0$|::1$|::$|::ffff:127\.)/.test(address))).toEqual([]);
  expect(await up.stop()).toMatchObject({ exit: 143 });
});

/** The other ends of the IP sockets of a process; 0.0.0.0 and :: of those that listen. */
function remoteAddresses({ pid }: Program): string[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return []; // closed between the two looks
      }
    }),
  );
  return ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((columns) => inodes.has(columns[9] ?? ''))
      .map((columns) => addressOf(columns[2] ?? '')),
  );
}

/** `0100007F:1F90` is 127.0.0.1; the kernel writes words of four bytes in its own order. */
function addressOf(written: string): string {
  const hex = written.split(':')[0] ?? '';
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse());
  const numbers = bytes.map((byte) => Number.parseInt(byte, 16));
  if (numbers.length === 4) return numbers.join('.');
  if (numbers.every((byte) => byte === 0)) return '::';
  if (numbers.slice(0, 15).every((byte) => byte === 0) && numbers[15] === 1) return '::1';
  if (numbers.slice(0, 10).every((byte) => byte === 0)) return `::ffff:${numbers.slice(12).join('.')}`;
  return bytes.join('');
}
