/** `sandbox memory`: members of one memory as processes of this machine, one of them killed and brought back before your eyes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { openMemberKey } from '../../memory/replication/pairing/member-key.ts';
import { PeerBook } from '../../memory/replication/pairing/peer-book.ts';
import { EXIT, UnreachableError, UsageError, type ExitCode } from '../../platform/errors.ts';
import { writeAtomically } from '../../platform/write-file.ts';
import type { DaemonFile } from '../../runtime/daemon-file.ts';
import type { CommandContext } from '../context.ts';
import type { Invocation } from '../invocation.ts';

const FIRST_PORT = 4790;
const START_MS = 60_000;
const LOOK_MS = 100;

interface SandboxNode {
  name: string;
  /** Its SYNCLINE_HOME. */
  state: string;
  port: number;
  peer_port: number;
  process: ChildProcess | null;
}

/** Runs until Ctrl-C; nothing of it stays. */
export async function sandboxMemory(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const nodes = await makeNodes(nodeCount(invocation.text('nodes')));
  const folder = join(nodes[0]!.state, '..');
  try {
    await Promise.all(nodes.map((node) => start(context, node)));
    context.print(...nodes.map(({ name, port, state }) => `${name}  http://127.0.0.1:${port}  --home ${state}`));
    if (nodes.length > 1) await show(context, nodes);
    context.say('Try: syncline memory store TITLE TEXT --home one of them, and recall it at another. Ctrl-C ends all.');
    while (!context.host.signal.aborted) await context.host.timers.sleep(3_600_000, context.host.signal);
    return context.exitUnlessInterrupted(EXIT.ok);
  } finally {
    for (const node of nodes) await kill(node);
    rmSync(folder, { recursive: true, force: true });
  }
}

function nodeCount(written: string | null): number {
  const count = Number(written ?? 3);
  if (Number.isInteger(count) && count >= 1 && count <= 5) return count;
  throw new UsageError('usage.nodes', '--nodes is a whole number from 1 to 5.', { field: '--nodes' });
}

/** Homes of members that are paired with each other already, each write on two of them. */
async function makeNodes(count: number): Promise<SandboxNode[]> {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-sandbox-'));
  const nodes: SandboxNode[] = [];
  for (let i = 0; i < count; i++) {
    const state = join(folder, `node-${i + 1}`);
    mkdirSync(state, { mode: 0o700 });
    nodes.push({ name: `node-${i + 1}`, state, port: FIRST_PORT + i, peer_port: await freePort(), process: null });
  }
  const keys = nodes.map(({ state }) => openMemberKey(join(state, 'keys')));
  for (const [i, { name, state, peer_port }] of nodes.entries()) {
    const quorum = Math.min(2, count);
    const lines = ['[memory]', `name = "${name}"`, `listen = "127.0.0.1:${peer_port}"`, `write_quorum = ${quorum}`];
    writeAtomically(join(state, 'config.toml'), `${lines.join('\n')}\n`);
    const book = new PeerBook(join(state, 'keys'));
    for (const [k, other] of nodes.entries()) {
      if (k === i) continue;
      const url = `https://127.0.0.1:${other.peer_port}`;
      book.add({ name: other.name, fingerprint: keys[k]!.fingerprint, url, added_ms: 0 });
    }
  }
  return nodes;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** @throws UnreachableError `sandbox.start` */
async function start({ host }: CommandContext, node: SandboxNode): Promise<void> {
  rmSync(join(node.state, 'daemon.json'), { force: true });
  const program = process.argv[1] ?? '';
  const env = { PATH: host.env['PATH'], HOME: node.state, SYNCLINE_HOME: node.state, TMPDIR: host.env['TMPDIR'] };
  node.process = spawn(
    process.execPath,
    [...process.execArgv, program, 'up', '--no-capture', '--port', String(node.port), '--quiet'],
    { env, cwd: node.state, stdio: 'ignore' },
  );
  for (let waited_ms = 0; waited_ms < START_MS; waited_ms += LOOK_MS) {
    if (node.process.exitCode !== null) break;
    if (await answers(node)) return;
    await host.timers.sleep(LOOK_MS);
  }
  throw new UnreachableError('sandbox.start', `${node.name} did not start on port ${node.port}`, {
    hint: 'Is the port taken? The sandbox uses 4790 and those after it.',
  });
}

async function answers(node: SandboxNode): Promise<boolean> {
  if (!existsSync(join(node.state, 'daemon.json'))) return false;
  try {
    return (await ask(node, 'GET', '/api/v1/stats')).status === 200;
  } catch {
    // Not yet.
    return false;
  }
}

/** A member is killed, misses a write, comes back and has it. */
async function show(context: CommandContext, nodes: readonly SandboxNode[]): Promise<void> {
  const [first, last] = [nodes[0]!, nodes.at(-1)!];
  context.say(`Stored at ${first.name}: ${await store(first, 'Before')}`);
  await kill(last);
  context.say(`Killed ${last.name} (kill -9).`, `Stored at ${first.name}: ${await store(first, 'Meanwhile')}`);
  await start(context, last);
  const started_ms = context.host.clock.monotonic_ms();
  while (!(await titles(last)).includes('Meanwhile') && !context.host.signal.aborted)
    await context.host.timers.sleep(LOOK_MS, context.host.signal);
  const took_ms = Math.round(context.host.clock.monotonic_ms() - started_ms);
  context.say(
    `Started ${last.name} again; ${took_ms} ms later it has what it missed: ${(await titles(last)).join(', ')}.`,
  );
}

async function store(node: SandboxNode, title: string): Promise<string> {
  const { status, body } = await ask(node, 'POST', '/api/v1/memories', { title, content: `stored at ${node.name}` });
  const acks = (body as { quorum_acks?: number; got?: number }).quorum_acks ?? (body as { got?: number }).got ?? 1;
  return status === 201 ? `"${title}", on ${acks} machines` : `"${title}", answered ${status}, on ${acks} so far`;
}

async function titles(node: SandboxNode): Promise<string[]> {
  const { body } = await ask(node, 'GET', '/api/v1/memories?limit=100');
  return (body as { memories?: { title: string }[] }).memories?.map(({ title }) => title) ?? [];
}

async function ask(
  node: SandboxNode,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<{ status: number; body: unknown }> {
  const { url, token } = JSON.parse(readFileSync(join(node.state, 'daemon.json'), 'utf8')) as DaemonFile;
  const response = await request(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.statusCode, body: await response.body.json() };
}

/** At once; its lock and its port are free afterwards. */
async function kill(node: SandboxNode): Promise<void> {
  const { process: child } = node;
  node.process = null;
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}
