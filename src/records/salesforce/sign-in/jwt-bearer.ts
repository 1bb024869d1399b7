import { type KeyObject, createPrivateKey, sign } from 'node:crypto';
import type { Clock } from '../../../platform/clock.ts';
import { UsageError } from '../../../platform/errors.ts';
import { SignInRefused, type SignIn, type TokenEndpoint, postForm, readToken } from './token.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** Salesforce takes an end of about three minutes ahead at most (§12.2). */
const LIFE_S = 150;
/** A clock that is off by less than this cannot be why an assertion was refused. */
const SKEW_THAT_MATTERS_MS = 15_000;

export interface JwtBearerOptions extends TokenEndpoint {
  readonly client_id: string;
  readonly user: string;
  /** RSA private key, PEM. */
  readonly private_key: string;
  readonly clock: Clock;
  /** Who the assertion is for; the login address unless given. */
  readonly audience?: string | undefined;
}

/**
 * Sign-in of a server by a signed assertion; the app must be approved for the user. When the refusal shows that the clock
 * of this machine is off, the assertion is made once more by Salesforce's clock.
 * @throws UsageError `salesforce.key` when the key is no RSA private key
 */
export function jwtBearer(options: JwtBearerOptions): SignIn {
  const key = rsaKey(options.private_key);
  const audience = options.audience ?? new URL(options.login).origin;
  const ask = (now_ms: number, signal: AbortSignal) =>
    postForm(
      options,
      '/services/oauth2/token',
      { grant_type: GRANT, assertion: assertion({ ...options, audience, key, now_ms }) },
      signal,
    );
  return async (signal) => {
    const now_ms = options.clock.now_ms();
    const answered = await ask(now_ms, signal);
    try {
      return readToken(answered);
    } catch (error) {
      const told_ms = Date.parse(answered.headers['date'] ?? '');
      const skewed = Math.abs(told_ms - now_ms) > SKEW_THAT_MATTERS_MS;
      if (!(error instanceof SignInRefused) || error.oauth !== 'invalid_grant' || !skewed) throw error;
      return readToken(await ask(told_ms, signal));
    }
  };
}

function rsaKey(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'rsa') return key;
  } catch {
    // Said below; the library's own words could quote the key.
  }
  throw new UsageError('salesforce.key', 'The key of the connected app is not an RSA private key in PEM form', {
    field: 'records.salesforce.key',
    hint: 'openssl req -newkey rsa:2048 -nodes -keyout sf.pem -x509 -days 730 -out sf.crt',
  });
}

function assertion(claims: {
  client_id: string;
  user: string;
  audience: string;
  key: KeyObject;
  now_ms: number;
}): string {
  const { client_id, user, audience, key, now_ms } = claims;
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(now_ms / 1000) + LIFE_S;
  const text = `${part({ alg: 'RS256' })}.${part({ iss: client_id, sub: user, aud: audience, exp })}`;
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
}
