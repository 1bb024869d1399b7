/** What a browser was given and a program has yet to fetch: authorization codes, and codes of devices. */
import { createHash } from 'node:crypto';
import type { Sessions } from './sessions.ts';
import { OAuthRefusal } from './oauth-refusal.ts';

const CODE_MS = 15 * 60_000;
const DEVICE_CODE_MS = 10 * 60_000;
export const DEVICE_INTERVAL_S = 5;

export interface CodeGrant {
  client_id: string;
  redirect_uri: string;
  user_id: string;
  /** Of PKCE (RFC 7636), the method always S256; none: the program sent none. */
  code_challenge: string | null;
}

export interface DeviceGrant {
  client_id: string;
  user_code: string;
  /** None until somebody allowed it. */
  user_id: string | null;
  denied: boolean;
}

interface Expiring<T> {
  grant: T;
  expires_ms: number;
}

export class AuthorizationCodes {
  readonly #sessions: Sessions;
  readonly #codes = new Map<string, Expiring<CodeGrant>>();
  readonly #devices = new Map<string, Expiring<DeviceGrant>>();

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  issue(grant: CodeGrant, now_ms: number): string {
    const code = `aPrx${this.#sessions.opaque(32)}==`;
    this.#codes.set(code, { grant, expires_ms: now_ms + CODE_MS });
    return code;
  }

  /**
   * Exchanges a code, once.
   * @throws OAuthRefusal invalid_grant
   */
  redeem(code: string, client_id: string, redirect_uri: string, verifier: string | null, now_ms: number): CodeGrant {
    const found = this.#codes.get(code);
    this.#codes.delete(code);
    if (!found || found.expires_ms <= now_ms) throw new OAuthRefusal('invalid_grant', 'expired authorization code');
    const { grant } = found;
    if (grant.client_id !== client_id) throw new OAuthRefusal('invalid_grant', 'invalid authorization code');
    if (grant.redirect_uri !== redirect_uri)
      throw new OAuthRefusal('redirect_uri_mismatch', 'redirect_uri must match configuration');
    if (grant.code_challenge !== null && challengeOf(verifier ?? '') !== grant.code_challenge)
      throw new OAuthRefusal('invalid_grant', 'invalid code verifier');
    return grant;
  }

  issueDevice(client_id: string, now_ms: number): { device_code: string; user_code: string } {
    const user_code = this.#sessions.opaque(12).replaceAll('.', 'X').slice(0, 8).toUpperCase();
    const device_code = this.#sessions.opaque(32);
    const grant: DeviceGrant = { client_id, user_code, user_id: null, denied: false };
    this.#devices.set(device_code, { grant, expires_ms: now_ms + DEVICE_CODE_MS });
    return { device_code, user_code };
  }

  /** The grant that waits under a code which a person typed in; null for none. */
  deviceByUserCode(user_code: string, now_ms: number): DeviceGrant | null {
    for (const { grant, expires_ms } of this.#devices.values())
      if (grant.user_code === user_code.trim().toUpperCase() && expires_ms > now_ms) return grant;
    return null;
  }

  /**
   * Id of the user who allowed a device; asked for until then.
   * @throws OAuthRefusal authorization_pending, access_denied, expired_token
   */
  redeemDevice(device_code: string, client_id: string, now_ms: number): string {
    const found = this.#devices.get(device_code);
    if (!found || found.grant.client_id !== client_id || found.expires_ms <= now_ms)
      throw new OAuthRefusal('expired_token', 'The device code is expired or invalid');
    const { user_id, denied } = found.grant;
    if (denied) throw new OAuthRefusal('access_denied', 'end-user denied authorization');
    if (user_id === null) throw new OAuthRefusal('authorization_pending', 'End-user authorization is pending');
    this.#devices.delete(device_code);
    return user_id;
  }
}

function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}
