import { getCookie } from 'hono/cookie';
import type { Context } from 'hono';
import { Refusal } from '../http/refusal.ts';
import type { ServerContext } from '../context.ts';
import type { ServerEnv } from '../http/env.ts';
import { mayDo, type Caller, type Scope } from './scope.ts';

/** Cookies know no ports: the name keeps two servers on one host apart. */
export function cookieName(c: Context<ServerEnv>): string {
  return `syncline_${c.env.incoming.socket.localPort ?? 0}`;
}

/**
 * Who asks, by token or, for reading only, by the cookie of a sign-in (R8: a cookie is sent by the browser unasked, so it
 * must not be able to change anything).
 * @throws Refusal 401 `unauthorized`, 403 `forbidden`
 */
export function authenticate(c: Context<ServerEnv>, context: ServerContext, scopes: readonly Scope[]): Caller {
  const caller = byToken(c, context) ?? byCookie(c, context);
  if (!caller)
    throw new Refusal(401, 'unauthorized', 'A valid token is needed', {
      field: 'Authorization',
      headers: { 'www-authenticate': 'Bearer' },
    });
  requireScope(caller, scopes);
  return caller;
}

/** @throws Refusal 403 `forbidden` */
export function requireScope(caller: Caller, scopes: readonly Scope[]): void {
  if (!mayDo(caller, scopes))
    throw new Refusal(403, 'forbidden', `This token lacks the scope ${scopes.join(' or ')}`, {
      field: 'Authorization',
    });
}

function byToken(c: Context<ServerEnv>, context: ServerContext): Caller | null {
  const [, token] = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '') ?? [];
  return token === undefined ? null : context.tokens.authenticate(token);
}

function byCookie(c: Context<ServerEnv>, context: ServerContext): Caller | null {
  if (c.req.method !== 'GET' && c.req.method !== 'HEAD') return null;
  const cookie = getCookie(c, cookieName(c));
  return cookie === undefined ? null : context.sign_in.authenticate(cookie);
}
