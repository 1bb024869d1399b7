/**
 * Three real members, writes that count on two, and everything that happens to machines: kill -9, SIGSTOP, and between them
 * proxies that delay, double, reorder, cut in the middle of an answer, and leave connections open and dead. Afterwards
 * nothing acknowledged is lost, nothing deleted is back, and all are equal byte for byte.
 *
 * `SYNCLINE_CHAOS_SECONDS` (default 15) is how long, `SYNCLINE_CHAOS_SEED` what; the schedule is drawn from it, the processes' own
 * timing is not.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openMemberCertificate } from '../../src/memory/replication/pairing/member-key.ts';
import { PeerBook } from '../../src/memory/replication/pairing/peer-book.ts';
import type { DaemonFile } from '../../src/runtime/daemon-file.ts';
import { Draw } from '../simulation/draw.ts';
import { until } from '../support/condition.ts';
import { freePort } from '../support/free-port.ts';
import { Machine } from '../support/machine.ts';
import { canonicalExport } from '../support/memory-export.ts';
import { MemoryFaultProxy, NO_FAULTS } from '../support/memory-fault-proxy.ts';
import type { Program } from '../support/program.ts';

const SECONDS = Number(process.env.SYNCLINE_CHAOS_SECONDS ?? 15);
const SEED = Number(process.env.SYNCLINE_CHAOS_SEED ?? 1);
const BAD = { delay: 0.2, twice: 0.1, reorder: 0.1, lost_answer: 0.08, cut_in_body: 0.03 };

interface Member {
  machine: Machine;
  program: Program;
  daemon: DaemonFile;
}

const members: Member[] = [];
const proxies: MemoryFaultProxy[] = [];

const started = async (machine: Machine): Promise<Omit<Member, 'machine'>> => {
  const program = await machine.up(['--no-capture']);
  return { program, daemon: JSON.parse(readFileSync(join(machine.state, 'daemon.json'), 'utf8')) as DaemonFile };
};

beforeAll(async () => {
  const machines = [0, 1, 2].map(() => new Machine());
  const ports = await Promise.all(machines.map(() => freePort()));
  const keys = await Promise.all(machines.map(({ state }) => openMemberCertificate(join(state, 'keys'))));
  for (const [i, machine] of machines.entries()) {
    machine.configure(
      `[memory]\nname = "m${i}"\nlisten = "127.0.0.1:${ports[i]}"\nwrite_quorum = 2\nquorum_timeout = "3s"\n`,
    );
    const book = new PeerBook(join(machine.state, 'keys'));
    for (const [k, key] of keys.entries()) {
      if (k === i) continue;
      const listen = await freePort();
      proxies.push(await MemoryFaultProxy.between(keys[i]!, key, { listen, to: ports[k]! }, SEED));
      book.add({ name: `m${k}`, fingerprint: key.fingerprint, url: `https://127.0.0.1:${listen}`, added_ms: 0 });
    }
  }
  for (const machine of machines) members.push({ machine, ...(await started(machine)) });
}, 180_000);

afterAll(async () => {
  for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
  for (const { machine, program } of members) {
    program.signal('SIGCONT');
    await machine[Symbol.asyncDispose]();
  }
});

/** A memory that one client keeps: what it tried to make of it, and what it was told is done. */
interface Kept {
  id: string | null;
  title: string;
  /** Contents that were tried, in their order, from the last acknowledged one on. */
  contents: string[];
  unanswered: string[];
  delete: 'no' | 'tried' | 'acknowledged';
}

const kept: Kept[] = [];
let acknowledged = 0;
let refused = 0;

/** The status, or null when nobody knows. */
async function ask(
  member: Member,
  method: 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: object,
): Promise<{ status: number; body: Record<string, unknown> } | null> {
  try {
    const { url, token } = member.daemon;
    const response = await request(`${url}/api/v1/memories${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
      signal: AbortSignal.timeout(8000),
    });
    return { status: response.statusCode, body: (await response.body.json()) as Record<string, unknown> };
  } catch {
    return null;
  }
}

async function client(number: number, draw: Draw, over: () => boolean): Promise<void> {
  const mine: Kept[] = [];
  for (let n = 0; !over(); n++) {
    const member = draw.one(members);
    const known = mine.filter((one) => one.id !== null && one.delete === 'no');
    const chosen = draw.random.unit();
    if (known.length === 0 || chosen < 0.6) {
      const one: Kept = {
        id: null,
        title: `client ${number} write ${n}`,
        contents: [`content ${n}`],
        unanswered: [],
        delete: 'no',
      };
      const answer = await ask(member, 'POST', '', { title: one.title, content: one.contents[0], namespace: 'chaos' });
      if (count(answer)) {
        one.id = String(answer?.body['id']);
        mine.push(one);
        kept.push(one);
      }
    } else if (chosen < 0.85) {
      const one = draw.one(known);
      const content = `content ${n}`;
      const answer = await ask(member, 'PUT', `/${one.id}`, { content });
      // What nobody answered may still be read by a member that was stopped, later than all that follows here.
      if (answer === null) one.unanswered.push(content);
      if (count(answer)) one.contents = [];
      one.contents.push(content);
    } else {
      const one = draw.one(known);
      one.delete = 'tried';
      if (count(await ask(member, 'DELETE', `/${one.id}`))) one.delete = 'acknowledged';
    }
    await sleep(draw.between(5, 60));
  }
}

function count(answer: Awaited<ReturnType<typeof ask>>): boolean {
  const done = answer !== null && answer.status < 300;
  if (done) acknowledged++;
  else refused++;
  return done;
}

/** Never two members at once: then nothing could be acknowledged. */
async function nemesis(draw: Draw, over: () => boolean, hurt: Record<string, number>): Promise<void> {
  for (let n = 0; !over(); n++) {
    const member = draw.one(members);
    const what = (['kill', 'freeze', 'stop', 'freeze'] as const)[n % 4]!;
    hurt[what] = (hurt[what] ?? 0) + 1;
    if (what === 'kill') {
      await member.program.kill();
      await sleep(draw.between(0, 500));
      Object.assign(member, await started(member.machine));
    } else if (what === 'stop') {
      member.program.signal('SIGSTOP');
      await sleep(draw.between(300, 2500));
      member.program.signal('SIGCONT');
    } else {
      const proxy = draw.one(proxies);
      proxy.freeze();
      await sleep(draw.between(300, 3000));
      proxy.thaw();
    }
    await sleep(draw.between(100, 800));
  }
}

test(
  `nothing acknowledged is lost and all are equal (seed=${SEED})`,
  { timeout: 300_000 + SECONDS * 2000 },
  async () => {
    const until_ms = performance.now() + SECONDS * 1000;
    const over = (): boolean => performance.now() > until_ms;
    const hurt: Record<string, number> = {};
    for (const proxy of proxies) proxy.faults = BAD;
    const clients = [0, 1, 2, 3].map((number) => client(number, new Draw(SEED, `client ${number}`), over));
    await Promise.all([...clients, nemesis(new Draw(SEED, 'nemesis'), over, hurt)]);
    for (const proxy of proxies) {
      proxy.thaw();
      proxy.faults = NO_FAULTS;
    }
    const exports = (): string[] => members.map(({ machine }) => canonicalExport(machine));
    await until('all three are equal', () => new Set(exports()).size === 1, { within_ms: 180_000, every_ms: 500 });

    const rows = rowsOf(exports()[0] ?? '');
    expect(kept.flatMap((one) => complaint(one, rows))).toEqual([]);
    const happened = proxies.map((proxy) => proxy.happened);
    console.log(`${acknowledged} acknowledged, ${refused} not; ${JSON.stringify({ hurt, happened })}`);
    expect(acknowledged).toBeGreaterThan(20);
    expect(hurt).toMatchObject({ kill: expect.any(Number) as number, freeze: expect.any(Number) as number });
    for (const fault of ['delay', 'twice', 'reorder', 'lost_answer'] as const)
      expect(
        happened.some((counts) => counts[fault] > 0),
        fault,
      ).toBe(true);
  },
);

interface Row {
  dead: string;
  life: string;
  registers: { content?: [string] };
}

function rowsOf(text: string): Map<string, Row> {
  const rows = text.split('\n').map((line) => JSON.parse(line) as [string, string, Row]);
  return new Map(rows.filter(([kind]) => kind === 'memory').map(([, id, row]) => [id, row]));
}

function complaint({ id, title, contents, unanswered, ...one }: Kept, rows: ReadonlyMap<string, Row>): string[] {
  const row = rows.get(id ?? '');
  const lives = row !== undefined && row.life !== '';
  if (one.delete === 'acknowledged') return lives ? [`${title} was deleted and is there`] : [];
  if (one.delete === 'tried' && !lives) return [];
  if (!lives) return [`${title} was acknowledged and is lost`];
  const content = row.registers.content?.[0] ?? '';
  return [...contents, ...unanswered].includes(content)
    ? []
    : [`${title} holds ${content}, though ${contents.join(', ')} came after it`];
}
