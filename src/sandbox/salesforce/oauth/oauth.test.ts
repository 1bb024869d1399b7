import { createHash, createSign, generateKeyPairSync } from 'node:crypto';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSalesforce, type SalesforceWorld } from '../../../../test/support/salesforce.ts';
import { SANDBOX_APP, type ConnectedApp } from './connected-app.ts';

const { client_id, client_secret } = SANDBOX_APP;
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const APP: ConnectedApp = {
  ...SANDBOX_APP,
  certificate: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  approved_users: ['admin@sandbox.example'],
};
const REDIRECT = 'http://localhost:1717/OauthRedirect';
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

let world: SalesforceWorld;
beforeEach(async () => void (world = await startSalesforce({ apps: [APP] })));
afterEach(() => world.close());

type Json = Record<string, string>;

async function token(
  form: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<{ status: number; json: Json }> {
  const response = await request(`${world.url}/services/oauth2/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(form).toString(),
  });
  return { status: response.statusCode, json: (await response.body.json()) as Json };
}

const isGood = async (access_token: string): Promise<boolean> =>
  (await world.call('GET', '/limits', undefined, { authorization: `Bearer ${access_token}` })).status === 200;

describe('client credentials', () => {
  it('sign in as the user of the program, by form or HTTP Basic, without a refresh token', async () => {
    const { status, json } = await token({ grant_type: 'client_credentials', client_id, client_secret });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      access_token: expect.stringMatching(new RegExp(`^${world.org.org_id.slice(0, 15)}!AQ`)) as string,
      instance_url: world.url,
      id: `${world.url}/id/${world.org.org_id}/${world.org.admin_id}`,
      token_type: 'Bearer',
      issued_at: String(world.clock.now),
    });
    expect(json).not.toHaveProperty('refresh_token');
    expect(json).not.toHaveProperty('expires_in');
    expect(await isGood(json['access_token']!)).toBe(true);
    const basic = Buffer.from(`${client_id}:${client_secret}`).toString('base64');
    expect((await token({ grant_type: 'client_credentials' }, { authorization: `Basic ${basic}` })).status).toBe(200);
  });

  it.each([
    [{ client_id: 'x', client_secret }, 'invalid_client_id'],
    [{ client_id, client_secret: 'x' }, 'invalid_client'],
    [{ client_id }, 'invalid_client'],
  ])('with %j: %s', async (form, error) => {
    const answer = await token({ grant_type: 'client_credentials', ...form });
    expect([answer.status, answer.json['error']]).toEqual([400, error]);
  });
});

describe('JWT bearer', () => {
  const assertion = (claims: object = {}, alg = 'RS256', key = privateKey): string => {
    const now_s = Math.floor(world.clock.now / 1000);
    const all = {
      iss: client_id,
      sub: 'admin@sandbox.example',
      aud: 'https://login.salesforce.com',
      exp: now_s + 120,
      ...claims,
    };
    const parts = [{ alg }, all].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    return `${parts}.${createSign('RSA-SHA256').update(parts).sign(key).toString('base64url')}`;
  };
  const signIn = (jwt: string) => token({ grant_type: JWT_BEARER, assertion: jwt });

  it('signs in with a signature of the registered key', async () => {
    const { status, json } = await signIn(assertion());
    expect([status, await isGood(json['access_token']!)]).toEqual([200, true]);
    expect((await signIn(assertion({ aud: world.url }))).status).toBe(200);
  });

  it('refuses any other', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    world.org.addUser('else@sandbox.example');
    const now_s = Math.floor(world.clock.now / 1000);
    const refused = async (jwt: string): Promise<string> => {
      const { status, json } = await signIn(jwt);
      return `${status} ${json['error']}: ${json['error_description']}`;
    };
    expect(await refused(assertion({}, 'RS256', other))).toBe('400 invalid_grant: invalid assertion');
    expect(await refused(assertion({}, 'none'))).toBe('400 invalid_grant: invalid assertion');
    expect(await refused('x.y.z')).toBe('400 invalid_grant: invalid assertion');
    expect(await refused(assertion({ aud: 'https://example.com' }))).toBe('400 invalid_grant: audience is invalid');
    expect(await refused(assertion({ exp: now_s }))).toBe('400 invalid_grant: expired authorization code');
    expect(await refused(assertion({ exp: now_s + 3600 }))).toBe('400 invalid_grant: invalid assertion');
    expect(await refused(assertion({ iss: 'x' }))).toBe('400 invalid_client_id: client identifier invalid');
    expect(await refused(assertion({ sub: 'else@sandbox.example' }))).toBe(
      "400 invalid_grant: user hasn't approved this consumer",
    );
  });
});

describe('authorization code with PKCE', () => {
  const verifier = 'v'.repeat(64);
  const code_challenge = createHash('sha256').update(verifier).digest('base64url');
  const ask = (more: Json = {}): string =>
    `/services/oauth2/authorize?${new URLSearchParams({ response_type: 'code', client_id, redirect_uri: REDIRECT, code_challenge, code_challenge_method: 'S256', state: 's 1', ...more }).toString()}`;
  const exchange = (code: string, more: Json = {}) =>
    token({
      grant_type: 'authorization_code',
      client_id,
      redirect_uri: REDIRECT,
      code,
      code_verifier: verifier,
      ...more,
    });
  const codeOf = async (): Promise<string> =>
    new URL(String((await world.call('GET', ask())).headers['location'])).searchParams.get('code') ?? '';

  it('signs in once for a code, and refreshes until it is revoked', async () => {
    const { status, headers } = await world.call('GET', ask());
    const location = new URL(String(headers['location']));
    expect([status, location.origin, location.pathname, location.searchParams.get('state')]).toEqual([
      302,
      'http://localhost:1717',
      '/OauthRedirect',
      's 1',
    ]);
    const code = location.searchParams.get('code')!;
    const first = await exchange(code);
    expect(first.status).toBe(200);
    expect(await exchange(code)).toMatchObject({
      status: 400,
      json: { error: 'invalid_grant', error_description: 'expired authorization code' },
    });
    const refresh_token = first.json['refresh_token']!;
    world.sessions.expireAccessTokens();
    expect(await isGood(first.json['access_token']!)).toBe(false);
    const second = await token({ grant_type: 'refresh_token', client_id, refresh_token });
    expect([second.status, await isGood(second.json['access_token']!)]).toEqual([200, true]);
    expect(second.json).not.toHaveProperty('refresh_token');
    expect(
      (await world.call('POST', '/services/oauth2/revoke', `token=${encodeURIComponent(refresh_token)}`)).status,
    ).toBe(200);
    expect(await isGood(second.json['access_token']!)).toBe(false);
    expect(await token({ grant_type: 'refresh_token', client_id, refresh_token })).toMatchObject({
      status: 400,
      json: { error: 'invalid_grant', error_description: 'expired access/refresh token' },
    });
  });

  it('needs the verifier of the challenge, the same address, and in time', async () => {
    expect((await exchange(await codeOf(), { code_verifier: 'x' })).json['error']).toBe('invalid_grant');
    expect((await exchange(await codeOf(), { redirect_uri: 'http://localhost/x' })).json['error']).toBe(
      'redirect_uri_mismatch',
    );
    const code = await codeOf();
    world.clock.now += 16 * 60_000;
    expect((await exchange(code)).json['error']).toBe('invalid_grant');
    expect((await world.call('GET', ask({ redirect_uri: 'https://example.com/' }))).status).toBe(400);
    const plain = new URL(
      String((await world.call('GET', ask({ code_challenge_method: 'S256' }))).headers['location']),
    );
    expect(plain.searchParams.has('code')).toBe(true);
  });

  it('replaces the refresh token where the program rotates', async () => {
    await world.close();
    world = await startSalesforce({ apps: [{ ...APP, rotates_refresh_tokens: true }] });
    const { json } = await exchange(await codeOf());
    const second = await token({ grant_type: 'refresh_token', client_id, refresh_token: json['refresh_token']! });
    expect(second.json['refresh_token']).not.toBe(json['refresh_token']);
    expect(
      (await token({ grant_type: 'refresh_token', client_id, refresh_token: json['refresh_token']! })).status,
    ).toBe(400);
  });

  it('asks by a form where it should, and takes a no', async () => {
    await world.close();
    world = await startSalesforce({ apps: [APP], approval: 'ask' });
    const page = await world.call('GET', ask());
    expect(page.text).toContain('<strong>syncline-sandbox</strong>');
    expect(page.text).toContain('<input type="hidden" name="state" value="s 1" />');
    const form = new URLSearchParams(ask().split('?')[1]);
    form.set('decision', 'deny');
    const denied = await world.call('POST', '/services/oauth2/authorize', form.toString());
    expect(String(denied.headers['location'])).toContain('error=access_denied');
    form.set('decision', 'allow');
    const allowed = await world.call('POST', '/services/oauth2/authorize', form.toString());
    expect(String(allowed.headers['location'])).toContain('code=');
  });
});

it('a device signs in when somebody typed its code in', async () => {
  const { json } = await token({ response_type: 'device_code', client_id });
  expect(json).toMatchObject({ interval: 5, verification_uri: `${world.url}/setup/connect` });
  const poll = () => token({ grant_type: 'device', client_id, code: json['device_code']! });
  expect((await poll()).json['error']).toBe('authorization_pending');
  expect((await world.call('POST', '/setup/connect', 'user_code=wrong')).status).toBe(400);
  expect((await world.call('GET', '/setup/connect')).text).toContain('name="user_code"');
  expect((await world.call('POST', '/setup/connect', `user_code=${json['user_code']}&decision=allow`)).status).toBe(
    200,
  );
  const signed = await poll();
  expect(await isGood(signed.json['access_token']!)).toBe(true);
  expect(signed.json).toHaveProperty('refresh_token');
});

it('a session ends at its time, and userinfo says who it is', async () => {
  const { json } = await token({
    grant_type: 'password',
    client_id,
    client_secret,
    username: 'admin@sandbox.example',
    password: 'sandboxTOKEN',
  });
  const authorization = { authorization: `Bearer ${json['access_token']}` };
  expect((await world.call('GET', '/services/oauth2/userinfo', undefined, authorization)).json).toMatchObject({
    user_id: world.org.admin_id,
    organization_id: world.org.org_id,
    preferred_username: 'admin@sandbox.example',
    name: 'Ada Admin',
  });
  world.clock.now += 2 * 3_600_000;
  expect(await isGood(json['access_token']!)).toBe(false);
  expect((await world.call('GET', '/services/oauth2/userinfo', undefined, authorization)).status).toBe(403);
});

it('an unknown way to sign in, and a user who is not active, are refused', async () => {
  expect((await token({ grant_type: 'x' })).json['error']).toBe('unsupported_grant_type');
  world.org.update('User', world.org.admin_id, { IsActive: false });
  expect((await token({ grant_type: 'client_credentials', client_id, client_secret })).json['error']).toBe(
    'inactive_user',
  );
});
