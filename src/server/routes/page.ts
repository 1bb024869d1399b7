import type { Context } from 'hono';
import { setCookie } from 'hono/cookie';
import type { TLSSocket } from 'node:tls';
import { authenticate, cookieName } from '../access/authenticate.ts';
import type { ServerContext } from '../context.ts';
import type { ServerEnv } from '../http/env.ts';
import { Refusal } from '../http/refusal.ts';

const COOKIE_MAX_AGE_S = 30 * 24 * 3600;

/** Pages bring their own script and style from here and nothing from elsewhere; a page may say stricter itself. */
const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
};

/** GET of any path that is no route of the API: a page, or the sign-in by `?key=` on its way to one. */
export async function page(c: Context<ServerEnv>, context: ServerContext): Promise<Response> {
  const key = c.req.query('key');
  try {
    return key === undefined ? await show(c, context) : signIn(c, context, key);
  } catch (error) {
    if (error instanceof Refusal && error.status === 401 && wantsHtml(c)) return signInPage(error.message);
    throw error;
  }
}

async function show(c: Context<ServerEnv>, context: ServerContext): Promise<Response> {
  if (!context.pages) throw new Refusal(404, 'not_found', 'There is no such route');
  const { team_id, member } = authenticate(c, context, ['read', 'operate']);
  const url = new URL(c.req.url);
  const found = await context.pages({ path: url.pathname, query: url.searchParams, team_id, member });
  if (!found) throw new Refusal(404, 'not_found', 'There is no such page');
  return new Response(found.body, {
    status: found.status,
    headers: { ...PAGE_HEADERS, 'content-type': found.content_type, ...found.headers },
  });
}

/** Takes the key out of the address bar at once: what is redirected to holds none. */
function signIn(c: Context<ServerEnv>, context: ServerContext, key: string): Response {
  const cookie = context.sign_in.redeem(key);
  if (cookie === null)
    throw new Refusal(401, 'key', 'This link was used already or is too old; `syncline open` makes another');
  setCookie(c, cookieName(c), cookie, {
    path: '/',
    httpOnly: true,
    sameSite: 'Strict',
    secure: (c.env.incoming.socket as Partial<TLSSocket>).encrypted === true || isPublicHttps(context),
    maxAge: COOKIE_MAX_AGE_S,
  });
  return c.redirect(c.req.path, 303);
}

function isPublicHttps(context: ServerContext): boolean {
  return context.host_rules.public_url?.protocol === 'https:';
}

function wantsHtml(c: Context<ServerEnv>): boolean {
  return (c.req.header('accept') ?? '').includes('text/html');
}

/** For a person at a browser, who can do nothing with JSON. `reason` is a message of ours. */
function signInPage(reason: string): Response {
  const body = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sign in · Syncline</title><style>:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}</style>
<main><h1>Sign in</h1><p>${reason}.</p><p>Run <code>syncline open</code> on this machine (in a clone: <code>npm run -s syncline -- open</code>) and follow its link.</p></main></html>`;
  return new Response(body, { status: 401, headers: { ...PAGE_HEADERS, 'content-type': 'text/html; charset=utf-8' } });
}
