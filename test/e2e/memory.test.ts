/** Memory as its users meet it: the command line, an agent by MCP over both transports, HTTP; and what a kill leaves. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { expect, test } from 'vitest';
import type { Memory } from '../../src/memory/memory.ts';
import type { DaemonFile } from '../../src/runtime/daemon-file.ts';
import { leaksIn, leaksInDatabase, leaksInFiles, PLANTED } from '../support/leak-search.ts';
import { Machine, SYNCLINE } from '../support/machine.ts';

const LIMIT = { timeout: 120_000 };

async function agent(machine: Machine, name = 'claude-code', args: string[] = []): Promise<Client> {
  const client = new Client({ name, version: '1' });
  const transport = new StdioClientTransport({
    command: SYNCLINE,
    args: ['memory', 'mcp', ...args],
    env: machine.env(),
    cwd: machine.home,
    stderr: 'pipe',
  });
  await client.connect(transport);
  return client;
}

async function call(client: Client, name: string, input: Record<string, unknown>): Promise<string> {
  const { content, isError } = await client.callTool({ name, arguments: input });
  const [first] = content as { text: string }[];
  expect(isError ?? false, first?.text).toBe(false);
  return first?.text ?? '';
}

const daemonOf = (machine: Machine): DaemonFile =>
  JSON.parse(readFileSync(join(machine.state, 'daemon.json'), 'utf8')) as DaemonFile;

test('two commands as a new user: stored by the one, recalled by an agent, shown by HTTP', LIMIT, async () => {
  await using machine = new Machine();
  await machine.up(['--no-capture']);
  const stored = await machine.run(['memory', 'store', 'Deploys', 'Two approvals, never on Friday.']);
  expect(stored).toMatchObject({ exit: 0, stdout: '' });
  expect(stored.stderr).toMatch(/^Remembered as \S+ in global\. On 1 of 1 machine\.\n$/);

  const client = await agent(machine);
  const recalled = await call(client, 'memory_recall', { context: 'how many approvals on a friday' });
  expect(recalled).toContain('Two approvals, never on Friday.');
  expect(recalled).toMatch(/written by user on \S+, no session known, at 20/);
  const answer = JSON.parse(
    await call(client, 'memory_store', { title: 'Rollback', content: 'Ask Ada first.' }),
  ) as Record<string, unknown>;
  expect(answer).toMatchObject({ durable_on: '1 of 1', created: true });
  await client.close();

  const { url, token } = daemonOf(machine);
  const headers = { authorization: `Bearer ${token}` };
  const found = await request(`${url}/api/v1/memories/${String(answer['id'])}`, { headers });
  expect(await found.body.json()).toMatchObject({
    memory: { content: 'Ask Ada first.', source: 'claude', written: { agent_id: 'claude-code' } },
  });

  const by_http = new Client({ name: 'codex', version: '1' });
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } });
  await by_http.connect(transport);
  expect(await call(by_http, 'memory_recall', { context: 'rollback' })).toContain('Ask Ada first.');
  await by_http.close();

  const recall = await machine.run(['memory', 'recall', 'rollback']);
  expect(recall.stdout).toContain('written by claude-code on');
  const past = await machine.json<{ history: { kind: string }[] }>(['memory', 'history', String(answer['id'])]);
  expect(past.history.map(({ kind }) => kind)[0]).toBe('store');
});

test(
  'an agent keeps its memory while Syncline comes, is killed and goes; what succeeded is still there',
  LIMIT,
  async () => {
    await using machine = new Machine();
    const client = await agent(machine);
    await call(client, 'memory_store', { title: 'Before', content: 'Nothing ran.' });
    const up = await machine.up(['--no-capture']);
    expect(await call(client, 'memory_get', { id: await idOf(machine, 'Before') })).toContain('Nothing ran.');

    const { url, token } = daemonOf(machine);
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const kept: string[] = [];
    for (let i = 0; i < 20; i++) {
      const body = JSON.stringify({ title: `Kept ${i}`, content: 'x' });
      const { statusCode, body: said } = await request(`${url}/api/v1/memories`, { method: 'POST', headers, body });
      expect(statusCode).toBe(201);
      kept.push(((await said.json()) as { id: string }).id);
    }
    await call(client, 'memory_store', { title: 'Last words', content: 'Said just before.' });
    await up.kill();

    expect(await call(client, 'memory_recall', { context: 'last words' })).toContain('Said just before.');
    await machine.up(['--no-capture']);
    const { memories, total } = await machine.json<{ memories: Memory[]; total: number }>([
      ...['memory', 'list', '--limit', '100'],
    ]);
    expect(total).toBe(22);
    expect(memories.map(({ id }) => id)).toEqual(expect.arrayContaining(kept));
    await client.close();
  },
);

test('without a running Syncline commands open the memory themselves, several at a time', LIMIT, async () => {
  await using machine = new Machine();
  const titles = ['one', 'two', 'three'];
  const ended = await Promise.all(titles.map((title) => machine.run(['memory', 'store', title, `about ${title}`])));
  expect(ended.map(({ exit }) => exit)).toEqual([0, 0, 0]);
  const { total } = await machine.json<{ total: number }>(['memory', 'list']);
  expect(total).toBe(3);
  const modes = readdirSync(machine.state, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => [name, statSync(join(machine.state, name)).mode & 0o077]);
  expect(modes.filter(([, mode]) => mode !== 0)).toEqual([]);
});

test('what an agent is given on stdout is the protocol and nothing else', LIMIT, async () => {
  await using machine = new Machine();
  const lines = [
    { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2024-11-05', capabilities: {} } },
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { jsonrpc: '2.0', id: 2, method: 'tools/list' },
    { jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'memory_list', arguments: {} } },
    { jsonrpc: '2.0', id: 4, method: 'tools/call', params: { name: 'memory_store', arguments: { title: 7 } } },
    'not json',
  ].map((line) => (typeof line === 'string' ? line : JSON.stringify(withClient(line))));
  const { exit, stdout } = await machine.run(['memory', 'mcp'], { input: `${lines.join('\n')}\n` });
  expect(exit).toBe(0);
  const said = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { jsonrpc: string; id: number });
  expect(said.every(({ jsonrpc }) => jsonrpc === '2.0')).toBe(true);
  expect(said.map(({ id }) => id).sort()).toEqual([1, 2, 3, 4]);
});

test('memories of one machine are those of another after export and import', LIMIT, async () => {
  await using ada = new Machine();
  await using bob = new Machine();
  await ada.run(['memory', 'store', 'Deploys', 'Two approvals.', '--tags', 'ops', '--tier', 'long']);
  const file = join(bob.home, 'all.jsonl');
  expect((await ada.run(['memory', 'export', '--output', file])).exit).toBe(0);
  for (let twice = 0; twice < 2; twice++) expect((await bob.run(['memory', 'import', file])).exit).toBe(0);
  const { memories, total } = await bob.json<{ memories: Memory[]; total: number }>(['memory', 'list']);
  expect(total).toBe(1);
  expect(memories).toMatchObject([{ title: 'Deploys', content: 'Two approvals.', tier: 'long', tags: ['ops'] }]);
});

function withClient<T extends { params?: object; method: string }>(line: T): T {
  if (line.method !== 'initialize') return line;
  return { ...line, params: { ...line.params, clientInfo: { name: 'test', version: '1' } } };
}

async function idOf(machine: Machine, title: string): Promise<string> {
  const { memories } = await machine.json<{ memories: Memory[] }>(['memory', 'list']);
  return memories.find((memory) => memory.title === title)?.id ?? '';
}

test('no planted secret rests anywhere, whichever way it came in (P3)', LIMIT, async () => {
  await using machine = new Machine();
  const up = await machine.up(['--no-capture']);
  const { url, token } = daemonOf(machine);
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const client = await agent(machine);
  for (const [i, { text }] of PLANTED.entries()) {
    const memory = { title: `Planted ${i}`, content: `wisteria\n${text}\n`, metadata: { note: text } };
    if (i % 2 === 0) await client.callTool({ name: 'memory_store', arguments: memory });
    else await request(`${url}/api/v1/memories`, { method: 'POST', headers, body: JSON.stringify(memory) });
  }
  await client.close();
  const text = PLANTED.map((planted) => planted.text).join('\n');
  await machine.run(['memory', 'store', 'All at once', '-'], { input: `wisteria\n${text}\n` });
  await machine.run(['memory', 'recall', 'wisteria', '--limit', '50', '--json']);
  expect((await machine.json<{ memories: unknown[] }>(['memory', 'search', 'wisteria'])).memories.length).toBe(20);
  await up.kill();
  expect(leaksInFiles(machine.state)).toEqual([]);
  expect(leaksInDatabase(join(machine.state, 'memory.db'))).toEqual([]);
  expect(leaksIn('printed', machine.printed())).toEqual([]);
});
