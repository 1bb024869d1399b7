/** Every way to sign in (records.md §12.2). */
import { createHmac } from 'node:crypto';
import type { ApiReply, ApiRequest } from '../http/exchange.ts';
import { valueOf } from '../soql/field-reader.ts';
import type { Org } from '../org/org.ts';
import { AuthorizationCodes, DEVICE_INTERVAL_S } from './authorization-codes.ts';
import { SANDBOX_PASSWORD, type ConnectedApp } from './connected-app.ts';
import { readAssertion } from './jwt-bearer.ts';
import { OAuthRefusal } from './oauth-refusal.ts';
import type { Session, Sessions } from './sessions.ts';

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

export interface OAuthOptions {
  org: Org;
  sessions: Sessions;
  apps: readonly ConnectedApp[];
  /** `https://127.0.0.1:4780`: My Domain and login host in one. */
  url: () => string;
}

interface Signed {
  user_id: string;
  app: ConnectedApp;
  /** Whether a refresh token comes with it. */
  with_refresh: boolean;
}

export class OAuth {
  readonly codes: AuthorizationCodes;
  readonly #options: OAuthOptions;

  constructor(options: OAuthOptions) {
    this.#options = options;
    this.codes = new AuthorizationCodes(options.sessions);
  }

  /** `POST /services/oauth2/token` */
  token(request: ApiRequest): ApiReply {
    try {
      const form = new URLSearchParams(request.body.toString('utf8'));
      for (const [name, value] of request.query) if (!form.has(name)) form.set(name, value);
      if (form.get('response_type') === 'device_code') return this.#device(form);
      const signed = this.#signIn(form, request.headers['authorization']);
      return { status: 200, json: this.#answer(signed), headers: { 'cache-control': 'no-cache, no-store' } };
    } catch (error) {
      return oauthReply(error);
    }
  }

  /** `GET|POST /services/oauth2/userinfo` and the address that the token's `id` names. */
  userinfo(session: Session): ApiReply {
    const { org, url } = this.#options;
    const user = org.row('User', session.user_id) ?? {};
    const field = org.table('User').definition.field('Name');
    return {
      status: 200,
      json: {
        sub: this.#identityUrl(session.user_id),
        user_id: session.user_id,
        organization_id: org.org_id,
        preferred_username: user['Username'],
        username: user['Username'],
        name: field && valueOf(field, user),
        email: user['Email'],
        active: user['IsActive'],
        urls: { rest: `${url()}/services/data/v{version}/`, sobjects: `${url()}/services/data/v{version}/sobjects/` },
      },
    };
  }

  /** `POST /services/oauth2/revoke` */
  revoke(request: ApiRequest): ApiReply {
    const token = new URLSearchParams(request.body.toString('utf8')).get('token') ?? request.query.get('token') ?? '';
    if (this.#options.sessions.revoke(token)) return { status: 200 };
    return oauthReply(new OAuthRefusal('invalid_token', 'This token is invalid'));
  }

  /** @throws OAuthRefusal invalid_client_id */
  app(client_id: string | null): ConnectedApp {
    const app = this.#options.apps.find((known) => known.client_id === client_id);
    if (!app) throw new OAuthRefusal('invalid_client_id', 'client identifier invalid');
    return app;
  }

  #signIn(form: URLSearchParams, authorization: string | undefined): Signed {
    const flow = form.get('grant_type');
    switch (flow) {
      case 'client_credentials':
        return this.#clientCredentials(form, authorization);
      case JWT_BEARER:
        return this.#jwt(form);
      case 'refresh_token':
        return this.#refresh(form, authorization);
      case 'authorization_code':
        return this.#code(form, authorization);
      case 'password':
        return this.#password(form, authorization);
      case 'device': {
        const app = this.app(form.get('client_id'));
        const user_id = this.codes.redeemDevice(form.get('code') ?? '', app.client_id, this.#now_ms());
        return { user_id, app, with_refresh: true };
      }
      default:
        throw new OAuthRefusal('unsupported_grant_type', 'grant type not supported');
    }
  }

  #clientCredentials(form: URLSearchParams, authorization: string | undefined): Signed {
    const app = this.#authenticated(form, authorization, true);
    if (app.run_as === null) throw new OAuthRefusal('invalid_grant', 'no client credentials user enabled');
    return { user_id: this.#activeUser(app.run_as), app, with_refresh: false };
  }

  #jwt(form: URLSearchParams): Signed {
    const { apps, url } = this.#options;
    const { sub, app } = readAssertion(form.get('assertion') ?? '', apps, url(), this.#now_ms());
    if (!app.approved_users.includes('*') && !app.approved_users.includes(sub))
      throw new OAuthRefusal('invalid_grant', "user hasn't approved this consumer");
    return { user_id: this.#activeUser(sub), app, with_refresh: false };
  }

  #refresh(form: URLSearchParams, authorization: string | undefined): Signed {
    const app = this.#authenticated(form, authorization, false);
    const token = form.get('refresh_token') ?? '';
    const grant = this.#options.sessions.grantOf(token);
    if (grant?.client_id !== app.client_id) throw new OAuthRefusal('invalid_grant', 'expired access/refresh token');
    if (!app.rotates_refresh_tokens) return { user_id: grant.user_id, app, with_refresh: false };
    this.#options.sessions.replaceRefreshToken(token);
    return { user_id: grant.user_id, app, with_refresh: true };
  }

  #code(form: URLSearchParams, authorization: string | undefined): Signed {
    const app = this.#authenticated(form, authorization, false);
    const { user_id, code_challenge } = this.codes.redeem(
      form.get('code') ?? '',
      app.client_id,
      form.get('redirect_uri') ?? '',
      form.get('code_verifier'),
      this.#now_ms(),
    );
    // A program without a secret must have proved itself by PKCE.
    if (code_challenge === null) this.#authenticated(form, authorization, true);
    return { user_id, app, with_refresh: true };
  }

  #password(form: URLSearchParams, authorization: string | undefined): Signed {
    const app = this.#authenticated(form, authorization, true);
    if (!(form.get('password') ?? '').startsWith(SANDBOX_PASSWORD))
      throw new OAuthRefusal('invalid_grant', 'authentication failure');
    return { user_id: this.#activeUser(form.get('username') ?? ''), app, with_refresh: false };
  }

  #device(form: URLSearchParams): ApiReply {
    const { device_code, user_code } = this.codes.issueDevice(
      this.app(form.get('client_id')).client_id,
      this.#now_ms(),
    );
    const verification_uri = `${this.#options.url()}/setup/connect`;
    return { status: 200, json: { device_code, user_code, verification_uri, interval: DEVICE_INTERVAL_S } };
  }

  /** The program, by form or HTTP Basic. Without `required` a secret may be missing, but not wrong. */
  #authenticated(form: URLSearchParams, authorization: string | undefined, required: boolean): ConnectedApp {
    const basic = /^Basic (.+)$/i.exec(authorization ?? '')?.[1];
    const decoded = basic === undefined ? null : Buffer.from(basic, 'base64').toString('utf8');
    const [id, secret] = decoded?.split(/:(.*)/s).map(decodeURIComponent) ?? [
      form.get('client_id'),
      form.get('client_secret'),
    ];
    const app = this.app(id ?? null);
    if ((secret ?? '') === '' && !required) return app;
    if (secret !== app.client_secret) throw new OAuthRefusal('invalid_client', 'invalid client credentials');
    return app;
  }

  #activeUser(username: string): string {
    const { org } = this.#options;
    const [id] = org.table('User').find('Username', username) ?? [];
    if (id === undefined) throw new OAuthRefusal('invalid_grant', 'authentication failure');
    if (org.row('User', id)?.['IsActive'] !== true) throw new OAuthRefusal('inactive_user', 'user is inactive');
    return id;
  }

  #answer({ user_id, app, with_refresh }: Signed): Record<string, string> {
    const { sessions, url } = this.#options;
    const session = sessions.issue({ user_id, client_id: app.client_id });
    const id = this.#identityUrl(user_id);
    const issued_at = String(session.issued_ms);
    const signature = createHmac('sha256', app.client_secret)
      .update(id + issued_at)
      .digest('base64');
    const refresh = with_refresh
      ? { refresh_token: sessions.issueRefreshToken({ user_id, client_id: app.client_id }) }
      : {};
    return {
      access_token: session.access_token,
      instance_url: url(),
      id,
      token_type: 'Bearer',
      issued_at,
      signature,
      scope: with_refresh ? 'refresh_token api' : 'api',
      ...refresh,
    };
  }

  #identityUrl(user_id: string): string {
    return `${this.#options.url()}/id/${this.#options.org.org_id}/${user_id}`;
  }

  #now_ms(): number {
    return this.#options.org.clock.now_ms();
  }
}

/** The reply of an OAuthRefusal; anything else goes on. */
export function oauthReply(error: unknown): ApiReply {
  if (!(error instanceof OAuthRefusal)) throw error;
  return { status: error.status, json: { error: error.error, error_description: error.message } };
}
