/** The JWT of the bearer flow, checked as the platform does (records.md §12.2). */
import { createPublicKey, verify, X509Certificate, type KeyObject } from 'node:crypto';
import type { ConnectedApp } from './connected-app.ts';
import { OAuthRefusal } from './oauth-refusal.ts';

const AUDIENCES = ['https://login.salesforce.com', 'https://test.salesforce.com'];
/** How far ahead `exp` may lie. */
const MAX_AHEAD_S = 300;

export interface Assertion {
  /** Client id. */
  iss: string;
  /** Name of the user. */
  sub: string;
}

/**
 * Whom an assertion speaks for.
 * @throws OAuthRefusal invalid_grant, invalid_client_id
 */
export function readAssertion(
  assertion: string,
  apps: readonly ConnectedApp[],
  url: string,
  now_ms: number,
): Assertion & { app: ConnectedApp } {
  const [header = '', payload = '', signature = ''] = assertion.split('.');
  const { alg } = partOf(header);
  const claims = partOf(payload);
  const app = apps.find(({ client_id }) => client_id === claims['iss']);
  if (!app) throw new OAuthRefusal('invalid_client_id', 'client identifier invalid');
  if (alg !== 'RS256' || !app.certificate) throw new OAuthRefusal('invalid_grant', 'invalid assertion');
  const signed = Buffer.from(`${header}.${payload}`);
  if (!verify('RSA-SHA256', signed, publicKeyOf(app.certificate), Buffer.from(signature, 'base64url')))
    throw new OAuthRefusal('invalid_grant', 'invalid assertion');
  if (typeof claims['aud'] !== 'string' || ![...AUDIENCES, url].includes(claims['aud']))
    throw new OAuthRefusal('invalid_grant', 'audience is invalid');
  const exp = Number(claims['exp']);
  // The platform says this of a JWT past its end, too.
  if (!(exp * 1000 > now_ms)) throw new OAuthRefusal('invalid_grant', 'expired authorization code');
  if (exp * 1000 > now_ms + MAX_AHEAD_S * 1000) throw new OAuthRefusal('invalid_grant', 'invalid assertion');
  return { iss: app.client_id, sub: String(claims['sub']), app };
}

function partOf(encoded: string): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8')) as Record<string, unknown>;
  } catch {
    throw new OAuthRefusal('invalid_grant', 'invalid assertion');
  }
}

function publicKeyOf(pem: string): KeyObject {
  return pem.includes('BEGIN CERTIFICATE') ? new X509Certificate(pem).publicKey : createPublicKey(pem);
}
