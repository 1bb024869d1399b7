import { createHash, timingSafeEqual } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { ForbiddenError, SynclineError, UsageError } from '../../../platform/errors.ts';
import type { Random } from '../../../platform/random.ts';
import { checkAddress } from '../http.ts';
import { SignInRefused, type Token, type TokenEndpoint, requestToken } from './token.ts';

/** Where the Salesforce command line listens, too: its connected app (`PlatformCLI`) takes this address and no other. */
const DEFAULT_PORT = 1717;
const PATH = '/OauthRedirect';
const SCOPE = 'api refresh_token';

export interface BrowserSignInOptions extends TokenEndpoint {
  readonly client_id: string;
  readonly client_secret?: string | undefined;
  readonly random: Random;
  /** 1717 unless given; must be the port of the connected app's callback address. 0 is for tests. */
  readonly port?: number;
  /** Shows the address to the person or opens it in a browser. */
  open(address: string): Promise<void>;
}

/**
 * Sign-in of a person: authorization code with PKCE, on a port that only this machine reaches. Ends with the answer of
 * the browser or with the signal. The token has a refresh token, which the caller keeps.
 * @throws SignInRefused · UsageError `salesforce.port` when the port is taken · ForbiddenError `salesforce.state` when
 * the answer belongs to another sign-in · what `requestToken` throws
 */
export async function browserSignIn(options: BrowserSignInOptions, signal: AbortSignal): Promise<Token> {
  const verifier = Buffer.from(options.random.bytes(48)).toString('base64url');
  const state = Buffer.from(options.random.bytes(24)).toString('base64url');
  const answered = Promise.withResolvers<URLSearchParams>();
  // Until it is awaited below, an answer that comes early must not count as unhandled.
  answered.promise.catch(() => undefined);
  const server = createServer((request, response) => receive(request, response, answered.resolve));
  const stop = (): void => answered.reject(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  try {
    signal.throwIfAborted();
    const redirect_uri = `http://localhost:${await listen(server, options.port ?? DEFAULT_PORT)}${PATH}`;
    await options.open(authorizeAddress(options, { redirect_uri, state, verifier }));
    const code = codeOf(await answered.promise, state);
    const { client_id, client_secret } = options;
    const secret = client_secret === undefined ? {} : { client_secret };
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri,
      client_id,
      code_verifier: verifier,
      ...secret,
    };
    return await requestToken(options, form, signal);
  } finally {
    signal.removeEventListener('abort', stop);
    server.close();
    server.closeAllConnections();
  }
}

function authorizeAddress(
  { login, client_id }: BrowserSignInOptions,
  { redirect_uri, state, verifier }: { redirect_uri: string; state: string; verifier: string },
): string {
  const url = new URL('/services/oauth2/authorize', checkAddress(login));
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id,
    redirect_uri,
    scope: SCOPE,
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }).toString();
  return url.href;
}

/** Answers the browser; whatever it brings is judged later, only the page must not repeat any of it. */
function receive(
  request: IncomingMessage,
  response: ServerResponse,
  answered: (parameters: URLSearchParams) => void,
): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const ours = request.method === 'GET' && url.pathname === PATH;
  response.writeHead(ours ? 200 : 404, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    connection: 'close',
  });
  response.end(ours ? 'Syncline has the answer. You can close this page.\n' : 'Not here.\n');
  if (ours) answered(url.searchParams);
}

function codeOf(parameters: URLSearchParams, state: string): string {
  const told = Buffer.from(parameters.get('state') ?? '');
  const expected = Buffer.from(state);
  if (told.length !== expected.length || !timingSafeEqual(told, expected))
    throw new ForbiddenError('salesforce.state', 'The answer of the browser belongs to another sign-in', {
      hint: 'Run the command again and use the page that it opens.',
    });
  const error = parameters.get('error');
  if (error !== null) throw new SignInRefused(/^[a-z_]{1,60}$/i.test(error) ? error : 'unknown');
  const code = parameters.get('code');
  if (code === null) throw new SignInRefused('no code');
  return code;
}

function listen(server: Server, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once('error', (error: NodeJS.ErrnoException) =>
    reject(
      error.code === 'EADDRINUSE'
        ? new UsageError('salesforce.port', `Port ${port} is taken by another program`, {
            hint: 'Close the other sign-in (sf login?) or sign in with --device.',
          })
        : new SynclineError('salesforce.port', `No port could be opened (${error.code ?? 'unknown'})`, {
            cause: error,
          }),
    ),
  );
  server.listen(port, '127.0.0.1', () => {
    const address = server.address();
    resolve(typeof address === 'object' && address !== null ? address.port : port);
  });
  return promise;
}
