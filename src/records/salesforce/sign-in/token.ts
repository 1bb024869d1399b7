import { z } from 'zod';
import { ForbiddenError, InvalidInputError, UnreachableError } from '../../../platform/errors.ts';
import { readErrors } from '../failure.ts';
import { type HttpAnswer, type HttpClient, checkAddress } from '../http.ts';

/** What a sign-in brings. It says nothing of its end: that is learned from a 401 (records specification §12.2). */
export interface Token {
  readonly access_token: string;
  /** Where the org answers; https, or this machine. */
  readonly instance_url: string;
  readonly organization_id: string;
  readonly user_id: string;
  /** Only where a person signed in, and where the org hands out a new one with each use. */
  readonly refresh_token: string | null;
}

/** Gets a token. Called again each time the last one is refused. */
export type SignIn = (signal: AbortSignal) => Promise<Token>;

const TOKEN_PATH = '/services/oauth2/token';
const MAX_BYTES = 64 * 1024;
const TIMEOUT_MS = 20_000;

const answer = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]+$/),
  instance_url: z.url(),
  id: z.string(),
  refresh_token: z.string().min(1).optional(),
});
const IDENTITY = /\/id\/([A-Za-z0-9]{15,18})\/([A-Za-z0-9]{15,18})$/;

/** Errors that a person must put right; asking again would only lock the user out (§12.2). */
const HINTS: Readonly<Record<string, string>> = {
  invalid_grant:
    'Check that the connected app is approved for this user, that user and certificate are right, and that the clock of this machine is.',
  invalid_client: 'Check client_id and client_secret of the connected app.',
  invalid_client_id: 'Check client_id: it is the consumer key of the connected app.',
  inactive_user: 'The user is not active in Salesforce.',
  unsupported_grant_type: 'Allow this way of signing in at the connected app.',
  unauthorized_client: 'Allow this way of signing in at the connected app.',
  invalid_app_access: 'Allow the user to use the connected app.',
  access_denied: 'The sign-in was refused in the browser. Run the command again.',
  redirect_uri_mismatch: 'Add the address http://localhost:1717/OauthRedirect to the connected app.',
};

/** A sign-in that Salesforce refused: an operator's matter, never tried again by itself. Code `salesforce.sign_in`. */
export class SignInRefused extends ForbiddenError {
  /** The OAuth error, such as `invalid_grant`. */
  readonly oauth: string;
  constructor(oauth: string) {
    super('salesforce.sign_in', `Salesforce refused the sign-in (${oauth})`, {
      hint: HINTS[oauth] ?? 'Check the sign-in under [records.salesforce].',
    });
    this.oauth = oauth;
  }
}

export interface TokenEndpoint {
  readonly http: HttpClient;
  /** The login address of the configuration, with or without a path. */
  readonly login: string;
}

/** Posts a form to the token endpoint; the answer as it came, whatever its status. @throws UnreachableError `salesforce.unreachable` */
export async function postForm(
  { http, login }: TokenEndpoint,
  path: string,
  form: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const answered = await http.request(
    {
      method: 'POST',
      url: new URL(path, checkAddress(login)).href,
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: new URLSearchParams(form).toString(),
      timeout_ms: TIMEOUT_MS,
      max_bytes: MAX_BYTES,
    },
    signal,
  );
  if (answered.status === null)
    throw new UnreachableError(
      'salesforce.unreachable',
      `The sign-in of Salesforce did not answer (${answered.reason})`,
    );
  return answered;
}

/**
 * Asks for a token.
 * @throws SignInRefused when a person must put something right · UnreachableError `salesforce.unreachable` when it may
 * work later · InvalidInputError `salesforce.answer` when the answer is no token
 */
export async function requestToken(
  endpoint: TokenEndpoint,
  form: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Token> {
  return readToken(await postForm(endpoint, TOKEN_PATH, form, signal));
}

/** Reads the answer of the token endpoint. Throws as `requestToken`. */
export function readToken({ status, body }: HttpAnswer): Token {
  if (status !== 200) throw refusalOf(status, body);
  const parsed = answer.safeParse(parseJson(body));
  const [, organization_id, user_id] = IDENTITY.exec(parsed.data?.id ?? '') ?? [];
  if (!parsed.success || organization_id === undefined || user_id === undefined)
    throw new InvalidInputError('salesforce.answer', 'The sign-in of Salesforce answered without a token');
  const { access_token, instance_url, refresh_token } = parsed.data;
  checkAddress(instance_url);
  return {
    access_token,
    instance_url: new URL(instance_url).origin,
    organization_id,
    user_id,
    refresh_token: refresh_token ?? null,
  };
}

function refusalOf(status: number, body: string): SignInRefused | UnreachableError {
  const oauth = oauthErrorOf(body);
  if (status === 429 || status >= 500 || (oauth === null && status !== 400 && status !== 401))
    return new UnreachableError('salesforce.unreachable', `The sign-in of Salesforce answered with status ${status}`);
  return new SignInRefused(oauth ?? `status ${status}`);
}

/** The OAuth error of a body, such as `invalid_grant`; null when it has none. */
export function oauthErrorOf(body: string): string | null {
  const [told] = readErrors(parseJson(body));
  return told !== undefined && /^[a-z_]{1,60}$/i.test(told.code) ? told.code : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A proxy's page: the status says what counts.
    return null;
  }
}
