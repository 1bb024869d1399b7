import { createPublicKey, generateKeyPairSync, createHash, verify } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../../platform/clock.ts';
import { seededRandom } from '../../../platform/random.ts';
import { systemTimers } from '../../../platform/timers.ts';
import { HttpClient } from '../http.ts';
import { SalesforceSession } from '../session.ts';
import { browserSignIn } from './browser.ts';
import { chooseSignIn } from './choose.ts';
import { deviceSignIn } from './device.ts';
import { jwtBearer } from './jwt-bearer.ts';
import { refreshTokenFile } from './refresh-token-file.ts';
import { clientCredentials, storedRefreshToken } from './stored.ts';
import type { Token } from './token.ts';

type Form = Record<string, string>;
let forms: Form[] = [];
let reply: (form: Form) => { status?: number; body: unknown; headers?: Record<string, string> } = () => ({
  body: good(),
});

const good = (more: object = {}) => ({
  access_token: '00D000000000001!AQ.secret',
  instance_url: 'https://acme.my.salesforce.com',
  id: 'https://login.salesforce.com/id/00D000000000001AAA/005000000000001AAA',
  token_type: 'Bearer',
  ...more,
});
const refuse = (error: string, headers?: Record<string, string>) => ({
  status: 400,
  body: { error, error_description: 'words' },
  ...(headers === undefined ? {} : { headers }),
});

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const signal = new AbortController().signal;
const http = new HttpClient({ timers: systemTimers });
let server: ReturnType<typeof serve>;
let login = '';
let now = 1_800_000_000_000;
const clock: Clock = { now_ms: () => now, monotonic_ms: () => now };

beforeAll(async () => {
  const app = new Hono();
  app.post('/services/oauth2/token', async (context) => {
    const form = Object.fromEntries(new URLSearchParams(await context.req.text()));
    forms.push(form);
    const { status = 200, body, headers } = reply(form);
    return context.json(body as object, status as 200, headers);
  });
  await new Promise<void>((resolve) => {
    server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
      login = `http://127.0.0.1:${port}`;
      resolve();
    });
  });
});
afterAll(async () => {
  await http.close();
  server.close();
});
beforeEach(() => {
  forms = [];
  reply = () => ({ body: good() });
  now = 1_800_000_000_000;
});

const claims = (assertion: string) =>
  JSON.parse(Buffer.from(assertion.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;

describe('signing in', () => {
  test('by a signed assertion for this user and this address, good for less than three minutes', async () => {
    const token = await jwtBearer({ http, login, client_id: 'app', user: 'u@acme', private_key: pem, clock })(signal);
    expect(token).toMatchObject({ organization_id: '00D000000000001AAA', user_id: '005000000000001AAA' });
    const { grant_type, assertion } = forms[0]!;
    expect(grant_type).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    const [head, body, signature] = assertion!.split('.');
    const proof = Buffer.from(signature!, 'base64url');
    expect(
      verify(
        'sha256',
        Buffer.from(`${head}.${body}`),
        createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })),
        proof,
      ),
    ).toBe(true);
    expect(claims(assertion!)).toEqual({ iss: 'app', sub: 'u@acme', aud: login, exp: now / 1000 + 150 });
  });

  test('once more by the clock of Salesforce when ours is off, and not when it is right', async () => {
    const date = new Date(now + 600_000).toUTCString();
    reply = ({ assertion }) =>
      (claims(assertion!)['exp'] as number) * 1000 < now + 600_000
        ? refuse('invalid_grant', { date })
        : { body: good() };
    const sign_in = jwtBearer({ http, login, client_id: 'app', user: 'u', private_key: pem, clock });
    await expect(sign_in(signal)).resolves.toMatchObject({ access_token: expect.any(String) as string });
    expect(forms).toHaveLength(2);
    forms = [];
    reply = () => refuse('invalid_grant', { date: new Date(now).toUTCString() });
    await expect(sign_in(signal)).rejects.toMatchObject({ code: 'salesforce.sign_in', exit: 4 });
    expect(forms).toHaveLength(1);
  });

  test('a key that is none is refused without quoting it', () => {
    expect(() => jwtBearer({ http, login, client_id: 'a', user: 'u', private_key: 'hunter2', clock })).toThrow(
      expect.objectContaining({ code: 'salesforce.key', message: expect.not.stringContaining('hunter2') as string }),
    );
  });

  test('with the secret of the app', async () => {
    await clientCredentials({ http, login, client_id: 'app', client_secret: 's' })(signal);
    expect(forms).toEqual([{ grant_type: 'client_credentials', client_id: 'app', client_secret: 's' }]);
  });

  test('with a refresh token, whose successor is kept before the token is used', async () => {
    let kept: string | null = null;
    const store = { read: async () => kept, write: async (next: string) => void (kept = next) };
    const sign_in = storedRefreshToken({ http, login, client_id: 'app', store });
    await expect(sign_in(signal)).rejects.toMatchObject({ code: 'salesforce.not_signed_in' });
    kept = 'first';
    reply = () => ({ body: good({ refresh_token: 'second' }) });
    await sign_in(signal);
    expect(forms).toEqual([{ grant_type: 'refresh_token', refresh_token: 'first', client_id: 'app' }]);
    expect(kept).toBe('second');
  });

  test('never in clear to another machine, neither for the sign-in nor by its answer', async () => {
    const away = clientCredentials({ http, login: 'http://login.example', client_id: 'app', client_secret: 's' });
    await expect(away(signal)).rejects.toMatchObject({ code: 'salesforce.address' });
    reply = () => ({ body: good({ instance_url: 'http://acme.example' }) });
    await expect(clientCredentials({ http, login, client_id: 'a', client_secret: 's' })(signal)).rejects.toMatchObject({
      code: 'salesforce.address',
    });
  });

  test.each([503, 429])('status %i may work later; it is no refusal', async (status) => {
    reply = () => ({ status, body: {} });
    await expect(clientCredentials({ http, login, client_id: 'a', client_secret: 's' })(signal)).rejects.toMatchObject({
      code: 'salesforce.unreachable',
    });
  });
});

describe('what the settings choose', () => {
  const grants = async (settings: Partial<Parameters<typeof chooseSignIn>[1]>) => {
    forms = [];
    await chooseSignIn({ http, login, clock }, { client_id: 'app', ...settings })(signal);
    return forms.map(({ grant_type }) => grant_type?.split(':').at(-1));
  };

  test('a key, a stored sign-in, a secret, in this order; none is an error', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'syncline-sign-in-'));
    const path = join(folder, 'token');
    const store = refreshTokenFile(path);
    expect(await store.read()).toBeNull();
    await store.write('r1');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await grants({ user: 'u', key: pem, client_secret: 's' })).toEqual(['jwt-bearer']);
    expect(await grants({ refresh_token: store, client_secret: 's' })).toEqual(['refresh_token']);
    expect(forms[0]).toMatchObject({ refresh_token: 'r1', client_secret: 's' });
    expect(await grants({ client_secret: 's' })).toEqual(['client_credentials']);
    await expect(grants({})).rejects.toMatchObject({ code: 'salesforce.settings', exit: 2 });
    chmodSync(path, 0o644);
    await expect(store.read()).rejects.toMatchObject({ code: 'salesforce.token_file' });
    rmSync(folder, { recursive: true });
  });
});

describe('signing in by a browser', () => {
  const options = { http: http, client_id: 'app', random: seededRandom(1), port: 0 };
  const visit = async (address: string, change: (parameters: URLSearchParams) => void = () => undefined) => {
    const asked = new URL(address).searchParams;
    const back = new URL(asked.get('redirect_uri')!);
    back.hostname = '127.0.0.1';
    back.search = new URLSearchParams({ code: 'c0de', state: asked.get('state')! }).toString();
    change(back.searchParams);
    expect((await fetch(back)).status).toBe(200);
    return asked;
  };

  test('trades the code with the verifier of its challenge', async () => {
    reply = () => ({ body: good({ refresh_token: 'r' }) });
    let asked: URLSearchParams | undefined;
    const token = await browserSignIn(
      { ...options, login, open: async (address) => void (asked = await visit(address)) },
      signal,
    );
    expect(token.refresh_token).toBe('r');
    const { code, code_verifier, redirect_uri } = forms[0]!;
    expect(code).toBe('c0de');
    expect(redirect_uri).toBe(asked!.get('redirect_uri'));
    expect(createHash('sha256').update(code_verifier!).digest('base64url')).toBe(asked!.get('code_challenge'));
  });

  test('takes no answer of another sign-in, and says what the org refused', async () => {
    const open = (change: (parameters: URLSearchParams) => void) => (address: string) =>
      visit(address, change).then(() => undefined);
    const forged = browserSignIn({ ...options, login, open: open((back) => back.set('state', 'guess')) }, signal);
    await expect(forged).rejects.toMatchObject({ code: 'salesforce.state' });
    const refused = browserSignIn(
      { ...options, login, open: open((back) => back.set('error', 'access_denied')) },
      signal,
    );
    await expect(refused).rejects.toMatchObject({ code: 'salesforce.sign_in', oauth: 'access_denied' });
    expect(forms).toEqual([]);
  });

  test('is given up when it is stopped', async () => {
    const stop = new AbortController();
    const running = browserSignIn(
      { ...options, login, open: async () => stop.abort(new Error('stopped')) },
      stop.signal,
    );
    await expect(running).rejects.toThrow('stopped');
  });
});

describe('signing in by a code', () => {
  const timers = { sleep: async (ms: number) => void (now += ms) };

  test('waits as it is told, slower when asked to', async () => {
    const answers = ['authorization_pending', 'slow_down', 'authorization_pending'];
    const begun = now;
    reply = ({ response_type }) => {
      if (response_type === 'device_code')
        return { body: { device_code: 'd', user_code: 'AB12', verification_uri: 'https://x.test/setup', interval: 5 } };
      const next = answers.shift();
      return next === undefined ? { body: good() } : refuse(next);
    };
    const shown: object[] = [];
    const show = async (page: object) => void shown.push(page);
    await deviceSignIn({ http, login, client_id: 'app', timers, clock, show }, signal);
    expect(shown).toEqual([{ address: 'https://x.test/setup', code: 'AB12' }]);
    expect(now - begun).toBe(5_000 + 5_000 + 10_000 + 10_000);
  });
});

describe('a session', () => {
  const token = (name: string): Token => ({
    access_token: name,
    instance_url: 'https://x.test',
    organization_id: 'o',
    user_id: 'u',
    refresh_token: null,
  });

  test('signs in once for all who need a new token', async () => {
    let count = 0;
    const session = new SalesforceSession({ clock, sign_in: async () => token(`t${++count}`) });
    const all = await Promise.all([session.token(signal), session.token(signal)]);
    expect(all.map((one) => one.access_token)).toEqual(['t1', 't1']);
    session.accepted(all[0]);
    const again = await Promise.all([session.renewed(all[0], signal), session.renewed(all[0], signal)]);
    expect(again.map((one) => one.access_token)).toEqual(['t2', 't2']);
    expect((await session.renewed(all[0], signal)).access_token).toBe('t2');
  });

  test('does not ask for yet another token when a new one was never accepted', async () => {
    let count = 0;
    const session = new SalesforceSession({ clock, sign_in: async () => token(`t${++count}`) });
    const first = await session.token(signal);
    await expect(session.renewed(first, signal)).rejects.toMatchObject({ code: 'salesforce.session' });
    expect(count).toBe(1);
    now += 61_000;
    expect((await session.renewed(first, signal)).access_token).toBe('t2');
  });

  test('asks no second time after a refusal until a person says so', async () => {
    reply = () => refuse('invalid_client');
    const sign_in = clientCredentials({ http, login, client_id: 'a', client_secret: 's' });
    const session = new SalesforceSession({ clock, sign_in });
    for (let i = 0; i < 3; i++) await expect(session.token(signal)).rejects.toMatchObject({ oauth: 'invalid_client' });
    expect(forms).toHaveLength(1);
    reply = () => ({ body: good() });
    session.forgetRefusal();
    await expect(session.token(signal)).resolves.toMatchObject({ user_id: '005000000000001AAA' });
  });

  test('one who stops waiting does not stop the others', async () => {
    const begun = Promise.withResolvers<Token>();
    const session = new SalesforceSession({ clock, sign_in: () => begun.promise });
    const stop = new AbortController();
    const left = session.token(stop.signal);
    const stays = session.token(signal);
    stop.abort(new Error('stopped'));
    await expect(left).rejects.toThrow('stopped');
    begun.resolve(token('t'));
    expect((await stays).access_token).toBe('t');
  });
});
