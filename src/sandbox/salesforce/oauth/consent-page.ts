/** What a browser sees of signing in: a page that asks, or none where the sandbox approves by itself. */
import { html } from 'hono/html';
import type { ApiReply, ApiRequest } from '../http/exchange.ts';
import { htmlReply, documentOf } from '../page/document.ts';
import type { Org } from '../org/org.ts';
import { rowId } from '../org/transaction.ts';
import { takesRedirect, type ConnectedApp } from './connected-app.ts';
import type { OAuth } from './oauth.ts';
import { OAuthRefusal } from './oauth-refusal.ts';

export interface Consent {
  org: Org;
  oauth: OAuth;
  /** `automatic`: the administrator allows everything at once, as tests need it. */
  approval: 'automatic' | 'ask';
}

interface Asked {
  app: ConnectedApp;
  redirect_uri: string;
  parameters: URLSearchParams;
}

/** `GET /services/oauth2/authorize`, and what its form sends. */
export function authorize(consent: Consent, request: ApiRequest): ApiReply {
  try {
    const posted = request.method === 'POST';
    const parameters = posted ? new URLSearchParams(request.body.toString('utf8')) : request.query;
    const asked = askedFor(consent, parameters);
    if (!posted && consent.approval === 'ask') return htmlReply(consentPage(consent, asked));
    const decision = posted ? parameters.get('decision') : 'allow';
    if (decision !== 'allow')
      return redirect(asked, { error: 'access_denied', error_description: 'end-user denied authorization' });
    const user_id = consent.org.userId(parameters.get('user') ?? consent.org.admin_id);
    return redirect(asked, { code: codeFor(consent, asked, user_id) });
  } catch (error) {
    if (!(error instanceof OAuthRefusal)) throw error;
    return htmlReply(problemPage(`${error.error}: ${error.message}`), 400);
  }
}

function askedFor({ oauth }: Consent, parameters: URLSearchParams): Asked {
  const app = oauth.app(parameters.get('client_id'));
  const redirect_uri = parameters.get('redirect_uri') ?? '';
  if (!takesRedirect(app, redirect_uri))
    throw new OAuthRefusal('redirect_uri_mismatch', 'redirect_uri must match configuration');
  if (parameters.get('response_type') !== 'code')
    throw new OAuthRefusal('unsupported_response_type', 'response type not supported');
  if (parameters.has('code_challenge') && (parameters.get('code_challenge_method') ?? 'S256') !== 'S256')
    throw new OAuthRefusal('invalid_request', 'code challenge method must be S256');
  return { app, redirect_uri, parameters };
}

function codeFor({ oauth, org }: Consent, { app, redirect_uri, parameters }: Asked, user_id: string): string {
  const code_challenge = parameters.get('code_challenge');
  const grant = { client_id: app.client_id, redirect_uri, user_id, code_challenge };
  return oauth.codes.issue(grant, org.clock.now_ms());
}

function redirect({ redirect_uri, parameters }: Asked, result: Record<string, string>): ApiReply {
  const location = new URL(redirect_uri);
  for (const [name, value] of Object.entries(result)) location.searchParams.set(name, value);
  const state = parameters.get('state');
  if (state !== null) location.searchParams.set('state', state);
  return { status: 302, headers: { location: location.href } };
}

function consentPage({ org }: Consent, { app, parameters }: Asked): string {
  return documentOf(
    'Allow access?',
    html`<h1>Allow access?</h1>
      <p><strong>${app.client_id}</strong> asks to read and write the records of this sandbox.</p>
      <form method="post" action="/services/oauth2/authorize">
        ${[...parameters].map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
        ${userChoice(org)}
        <p class="actions">
          <button name="decision" value="allow">Allow</button>
          <button name="decision" value="deny" class="quiet">Deny</button>
        </p>
      </form>`,
  );
}

function userChoice(org: Org): unknown {
  return html`<label>
    User
    <select name="user">
      ${org.rows('User').map((user) => html`<option value="${rowId(user)}">${String(user['Username'])}</option>`)}
    </select>
  </label>`;
}

/** `GET /setup/connect`, where the code of a device is typed in, and what its form sends. */
export function connectDevice({ oauth, org, approval }: Consent, request: ApiRequest): ApiReply {
  if (request.method !== 'POST') return htmlReply(devicePage(org, request.query.get('user_code') ?? ''));
  const form = new URLSearchParams(request.body.toString('utf8'));
  const device = oauth.codes.deviceByUserCode(form.get('user_code') ?? '', org.clock.now_ms());
  if (!device) return htmlReply(problemPage('No device waits under this code, or not any more.'), 400);
  if (approval === 'ask' && form.get('decision') === 'deny') device.denied = true;
  else device.user_id = org.userId(form.get('user') ?? org.admin_id);
  const words = device.denied ? 'Denied. The device was not let in.' : 'Allowed. The device signs in by itself.';
  return htmlReply(
    documentOf(
      'Connect a device',
      html`<h1>Connect a device</h1>
        <p>${words}</p>`,
    ),
  );
}

function devicePage(org: Org, user_code: string): string {
  return documentOf(
    'Connect a device',
    html`<h1>Connect a device</h1>
      <form method="post" action="/setup/connect">
        <label>Code <input name="user_code" value="${user_code}" required autocomplete="off" /></label>
        ${userChoice(org)}
        <p class="actions">
          <button name="decision" value="allow">Allow</button>
          <button name="decision" value="deny" class="quiet">Deny</button>
        </p>
      </form>`,
  );
}

function problemPage(problem: string): string {
  return documentOf(
    'This did not work',
    html`<h1>This did not work</h1>
      <p>${problem}</p>`,
  );
}
