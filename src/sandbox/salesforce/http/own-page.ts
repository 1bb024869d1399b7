import type { ApiRequest } from './exchange.ts';

/**
 * Whether a request may come in without a session: a program of this machine or a page of the sandbox's own. A foreign
 * page in the same browser names its origin, and one that turned its own name into 127.0.0.1 names that.
 */
export function isFromHere({ headers }: ApiRequest, url: string): boolean {
  const { origin } = headers;
  const host = (headers['host'] ?? '').replace(/:\d+$/, '');
  if (host !== '127.0.0.1' && host !== 'localhost') return false;
  return origin === undefined || origin === url || origin === url.replace('127.0.0.1', 'localhost');
}
