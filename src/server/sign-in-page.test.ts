import { request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../test/server/harness.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ pages: async () => ({ status: 200, content_type: 'text/plain', body: 'console' }) });
});
afterAll(() => server.close());

async function get(path: string, accept: string): Promise<{ status: number; type: string; body: string }> {
  const response = await request(`${server.url}${path}`, { headers: { accept } });
  return {
    status: response.statusCode,
    type: String(response.headers['content-type']),
    body: await response.body.text(),
  };
}

test.each(['/', '/sessions/x', '/?key=used-or-guessed'])(
  'a browser that is not signed in is told how: %s',
  async (path) => {
    const page = await get(path, 'text/html,application/xhtml+xml');
    expect(page).toMatchObject({ status: 401, type: 'text/html; charset=utf-8' });
    expect(page.body).toContain('<code>syncline open</code>');
    expect(page.body).not.toContain('console');
  },
);

test('a program gets JSON', async () => {
  const answer = await get('/', '*/*');
  expect(answer.status).toBe(401);
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'unauthorized' });
});
