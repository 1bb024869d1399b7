import { request } from 'undici';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startServer, TEAM, type TestServer } from '../../test/server/harness.ts';
import { until } from '../../test/support/condition.ts';
import { openMemories, type OpenMemories } from '../../test/support/open-memories.ts';

const ann = { caller: { agent_id: 'ann' } };

let open: OpenMemories;
let server: TestServer;
let created: { token_id: string; token: string };
beforeEach(async () => {
  open = await openMemories(TEAM);
  server = await startServer({ memory: open.served });
  created = server.tokens.create({ team_id: TEAM, member: 'ann', device: 'laptop', scopes: ['read'] });
  await open.memories.setStandard({ namespace: 'team', governance: { write: 'approve', approver: 'human' } }, ann);
});
afterEach(async () => {
  await server.close();
  await open[Symbol.asyncDispose]();
});

interface Listening {
  text: () => string;
  is_over: () => boolean;
  close: () => void;
}

async function listen(): Promise<Listening> {
  const gone = new AbortController();
  const answer = await request(`${server.url}/api/v1/approvals/stream`, {
    headers: { authorization: `Bearer ${created.token}` },
    signal: gone.signal,
  });
  expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'text/event-stream']);
  let text = '';
  let over = false;
  answer.body.on('data', (piece: Buffer) => (text += piece.toString('utf8')));
  for (const end of ['end', 'error', 'close']) answer.body.on(end, () => (over = true));
  return { text: () => text, is_over: () => over, close: () => gone.abort() };
}

async function ask(title: string): Promise<string> {
  const { result } = await open.memories.store({ title, content: 'c', namespace: 'team' }, ann);
  return result.status === 'pending' ? result.pending_id : '';
}

const events = ({ text }: Listening): string[] =>
  [...text().matchAll(/^event: (\w+)\nid: (.+)\ndata: (\{.*\})$/gm)].map(([, name, id, data]) => {
    const { status } = JSON.parse(data!) as { status: string };
    return `${name} ${id} ${status}`;
  });

test('tells what waits already, what is asked, and how it is decided, once each', async () => {
  const [before, rejected] = [await ask('before'), await ask('rejected before')];
  await open.memories.reject(rejected, ann);
  const listening = await listen();
  await until('it is told', () => events(listening).length === 1);
  const after = await ask('after');
  await open.memories.approve(after, ann);
  await open.memories.store({ title: 'elsewhere', content: 'c' }, ann);
  await open.memories.reject(before, ann);
  await until('all is told', () => events(listening).length === 4);
  expect(events(listening).sort()).toEqual(
    [
      `approval_requested ${before} pending`,
      `approval_requested ${after} pending`,
      `approval_decided ${after} approved`,
      `approval_decided ${before} rejected`,
    ].sort(),
  );
  listening.close();
});

test('ends when its token no longer stands, and at once when the server stops', async () => {
  const [first, second] = [await listen(), await listen()];
  server.tokens.revoke(created.token_id);
  await ask('a secret');
  await until('both are over', () => first.is_over() && second.is_over());
  expect(first.text() + second.text()).not.toContain('a secret');
  created = server.tokens.create({ team_id: TEAM, member: 'ann', device: 'other', scopes: ['read'] });
  const third = await listen();
  const began = performance.now();
  await server.close();
  expect(performance.now() - began).toBeLessThan(5000);
  await until('it is over', () => third.is_over());
  server = await startServer({ memory: open.served });
});
