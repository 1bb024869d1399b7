import type { Clock } from '../../../platform/clock.ts';
import type { Random } from '../../../platform/random.ts';
import type { Org } from '../org/org.ts';

export interface Session {
  access_token: string;
  user_id: string;
  client_id: string;
  issued_ms: number;
  expires_ms: number;
}

interface Grant {
  user_id: string;
  client_id: string;
}

/** Sessions last two hours unless the sandbox was started with another time. */
export const SESSION_MS = 2 * 3_600_000;

/** Access tokens and refresh tokens that were given out. */
export class Sessions {
  readonly #org: Org;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #session_ms: number;
  readonly #sessions = new Map<string, Session>();
  readonly #refresh_tokens = new Map<string, Grant>();

  constructor(org: Org, session_ms: number) {
    this.#org = org;
    this.#clock = org.clock;
    this.#random = org.random;
    this.#session_ms = session_ms;
  }

  /** The text before `!` is the organisation's id (records.md §12.2). */
  issue({ user_id, client_id }: Grant): Session {
    const issued_ms = this.#clock.now_ms();
    const session: Session = {
      access_token: `${this.#org.org_id.slice(0, 15)}!AQ${this.opaque(48)}`,
      user_id,
      client_id,
      issued_ms,
      expires_ms: issued_ms + this.#session_ms,
    };
    this.#sessions.set(session.access_token, session);
    return session;
  }

  /** The session of a token that is good now. */
  find(access_token: string): Session | null {
    const session = this.#sessions.get(access_token);
    return session && session.expires_ms > this.#clock.now_ms() ? session : null;
  }

  issueRefreshToken(grant: Grant): string {
    const token = `5Aep${this.opaque(40)}`;
    this.#refresh_tokens.set(token, grant);
    return token;
  }

  grantOf(refresh_token: string): Grant | null {
    return this.#refresh_tokens.get(refresh_token) ?? null;
  }

  /** Ends a token; with a refresh token all sessions of its user and program end. False: it was not known. */
  revoke(token: string): boolean {
    const grant = this.#refresh_tokens.get(token);
    if (grant)
      for (const { access_token, user_id, client_id } of this.#sessions.values())
        if (user_id === grant.user_id && client_id === grant.client_id) this.#sessions.delete(access_token);
    return this.#refresh_tokens.delete(token) || this.#sessions.delete(token);
  }

  /** Ends every access token at a moment, or now; refresh tokens stay good. */
  expireAccessTokens(at_ms = this.#clock.now_ms()): void {
    for (const session of this.#sessions.values()) session.expires_ms = Math.min(session.expires_ms, at_ms);
  }

  /** Ends a refresh token without its sessions: it was replaced by another. */
  replaceRefreshToken(token: string): void {
    this.#refresh_tokens.delete(token);
  }

  opaque(bytes: number): string {
    return Buffer.from(this.#random.bytes(bytes)).toString('base64url').replace(/[-_]/g, '.');
  }
}
