/** One memory on several machines: real processes, killed with kill -9, stopped with SIGSTOP, paired by a link. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openMemberKey } from '../../src/memory/replication/pairing/member-key.ts';
import { PeerBook } from '../../src/memory/replication/pairing/peer-book.ts';
import type { DaemonFile } from '../../src/runtime/daemon-file.ts';
import { until } from '../support/condition.ts';
import { freePort } from '../support/free-port.ts';
import { Machine } from '../support/machine.ts';
import type { Program } from '../support/program.ts';

const LIMIT = { timeout: 240_000 };

interface Member {
  machine: Machine;
  program: Program;
}

async function ask(
  { machine }: Member,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const { url, token } = JSON.parse(readFileSync(join(machine.state, 'daemon.json'), 'utf8')) as DaemonFile;
  const response = await request(`${url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.statusCode, body: (await response.body.json()) as Record<string, unknown> };
}

async function titles(member: Member): Promise<string[]> {
  const { body } = await ask(member, 'GET', '/memories?limit=1000');
  return (body['memories'] as { title: string }[]).map(({ title }) => title).sort();
}

const store = (member: Member, title: string): ReturnType<typeof ask> =>
  ask(member, 'POST', '/memories', { title, content: `of ${title}` });

/** Three machines that know each other's keys and addresses; a write counts on two. */
const members: Member[] = [];

beforeAll(async () => {
  const machines = [new Machine(), new Machine(), new Machine()];
  const ports = await Promise.all(machines.map(() => freePort()));
  const keys = machines.map(({ state }) => openMemberKey(join(state, 'keys')));
  for (const [i, machine] of machines.entries()) {
    machine.configure(
      `[memory]\nname = "m${i}"\nlisten = "127.0.0.1:${ports[i]}"\nwrite_quorum = 2\nquorum_timeout = "10s"\n`,
    );
    const book = new PeerBook(join(machine.state, 'keys'));
    for (const [k, { fingerprint }] of keys.entries())
      if (k !== i) book.add({ name: `m${k}`, fingerprint, url: `https://127.0.0.1:${ports[k]}`, added_ms: 0 });
  }
  for (const machine of machines) members.push({ machine, program: await machine.up(['--no-capture']) });
}, 120_000);

afterAll(async () => {
  for (const { machine, program } of members) {
    program.signal('SIGCONT');
    await machine[Symbol.asyncDispose]();
  }
});

test('a write counts on two of three while one is killed, and is everywhere when it is back', LIMIT, async () => {
  const [a, b, c] = members as [Member, Member, Member];
  const first = await store(a, 'all alive');
  expect(first).toMatchObject({ status: 201, body: { quorum_acks: expect.any(Number) as number } });
  expect(first.body['quorum_acks']).toBeGreaterThanOrEqual(2);
  await c.program.kill();
  const acknowledged: string[] = ['all alive'];
  for (let i = 0; i < 10; i++) {
    const title = `while c is gone ${i}`;
    if ((await store(i % 2 ? a : b, title)).status === 201) acknowledged.push(title);
  }
  expect(acknowledged).toHaveLength(11);
  c.program = await c.machine.up(['--no-capture']);
  await until('c has all', async () => (await titles(c)).length === 11, { within_ms: 60_000 });
  expect(await titles(c)).toEqual(acknowledged.sort());
});

test('no majority: 503 with a receipt and the write kept; it spreads when the others go on', LIMIT, async () => {
  const [a, b, c] = members as [Member, Member, Member];
  b.program.signal('SIGSTOP');
  c.program.signal('SIGSTOP');
  const refused = await ask(a, 'POST', '/memories', { title: 'alone', content: 'kept' }, { 'idempotency-key': 'k1' });
  expect(refused).toMatchObject({ status: 503, body: { error: 'quorum_not_met', got: 1, needed: 2 } });
  b.program.signal('SIGCONT');
  c.program.signal('SIGCONT');
  await until(
    'b and c have it',
    async () => (await titles(b)).includes('alone') && (await titles(c)).includes('alone'),
    {
      within_ms: 90_000,
    },
  );
  const again = await ask(a, 'POST', '/memories', { title: 'alone', content: 'kept' }, { 'idempotency-key': 'k1' });
  expect(again.status).toBe(201);
  expect((await titles(a)).filter((title) => title === 'alone')).toEqual(['alone']);
});

test('what was acknowledged survives the writer: it is killed right after the answer', LIMIT, async () => {
  const [a, b, c] = members as [Member, Member, Member];
  const { status } = await store(a, 'last words');
  await a.program.kill();
  expect(status).toBe(201);
  await until('one of the others has it', async () =>
    [...(await titles(b)), ...(await titles(c))].includes('last words'),
  );
  await until(
    'both have it',
    async () => (await titles(b)).includes('last words') && (await titles(c)).includes('last words'),
    {
      within_ms: 60_000,
    },
  );
  a.program = await a.machine.up(['--no-capture']);
  const all = await titles(b);
  await until('a has all', async () => JSON.stringify(await titles(a)) === JSON.stringify(all), { within_ms: 60_000 });
});

test('a new number loses nothing, is kept over a start, and the others follow', LIMIT, async () => {
  const [a, b, c] = members as [Member, Member, Member];
  const origin = async (): Promise<string> =>
    (await a.machine.json<{ status: { origin: string } }>(['memory', 'peers', 'list'])).status.origin;
  const before = await origin();
  expect((await store(a, 'before the new number')).status).toBe(201);
  const { origin: after } = await a.machine.json<{ origin: string }>(['memory', 'peers', 'renew', '--yes']);
  expect(after).not.toBe(before);
  expect((await store(a, 'after it')).status).toBe(201);
  await a.program.kill();
  a.program = await a.machine.up(['--no-capture']);
  expect(await origin()).toBe(after);
  const wanted = ['after it', 'before the new number'];
  for (const member of [a, b, c])
    await until(
      'both are there',
      async () => {
        const found = await titles(member);
        return wanted.every((title) => found.includes(title));
      },
      { within_ms: 60_000 },
    );
});

test('invite and join: the same six words on both, and one memory', LIMIT, async () => {
  await using server = new Machine();
  await using laptop = new Machine();
  const port = await freePort();
  server.configure(`[memory]\nname = "server"\nlisten = "127.0.0.1:${port}"\n`);
  laptop.configure('[memory]\nname = "laptop"\n');
  const programs = [await server.up(['--no-capture']), await laptop.up(['--no-capture'])];
  const invite = server.start(['memory', 'invite']);
  const link = await until('the link is printed', () => /^https:\S+/.exec(invite.stdout)?.[0]);
  const joined = await laptop.run(['memory', 'join', link, '--yes']);
  expect(joined).toMatchObject({ exit: 0 });
  const invited = await invite.ended();
  expect(invited.exit).toBe(0);
  const words = /these words: (.+)/.exec(joined.stderr)?.[1];
  expect(words?.split(' ')).toHaveLength(6);
  expect(invited.stderr).toContain(`these words: ${words}`);
  expect((await laptop.run(['memory', 'join', link, '--yes'])).exit).toBe(4);

  await laptop.run(['memory', 'store', 'From the laptop', 'behind a router']);
  const there = { machine: server, program: programs[0]! };
  await until('the server has it', async () => (await titles(there)).includes('From the laptop'), {
    within_ms: 60_000,
  });
  await server.run(['memory', 'store', 'From the server', 'over the connection of the laptop']);
  const here = { machine: laptop, program: programs[1]! };
  await until('the laptop has it', async () => (await titles(here)).includes('From the server'), { within_ms: 60_000 });
  const peers = await server.json<{ peers: { name: string; url: string | null }[] }>(['memory', 'peers', 'list']);
  expect(peers.peers).toMatchObject([{ name: 'laptop', url: null }]);
});
