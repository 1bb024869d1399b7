import type { IncomingMessage } from 'node:http';
import { isIP, type BlockList } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Refusal } from '../http/refusal.ts';

export interface HostRules {
  /** The address people use, when it is another than the one bound: scheme, host and port (`server --public-url`). */
  public_url: URL | null;
  /** Only these may connect, when the server stands behind a proxy (R7). */
  behind_proxy: BlockList | null;
}

/**
 * Refuses what a web page of another site could make a browser send (R8). Pages can point a name of theirs at this
 * machine, but then `Host` is that name; they can send requests here, but then `Origin` is theirs.
 * @throws Refusal 403 `host`, `origin`, `proxy`
 */
export function checkHost(incoming: IncomingMessage, rules: HostRules): void {
  if (rules.behind_proxy && !isListed(rules.behind_proxy, incoming.socket.remoteAddress))
    throw new Refusal(403, 'proxy', 'This server answers only to its proxy');
  const { host, origin } = incoming.headers;
  const allowed = allowedOrigins(incoming, rules);
  if (host === undefined || !allowed.some((own) => own.host === hostOf(own.protocol, host)))
    throw new Refusal(403, 'host', 'This server is not called by that name', { field: 'Host' });
  if (origin === undefined) return;
  if (!allowed.some((own) => own.origin === origin))
    throw new Refusal(403, 'origin', 'Requests of other sites are not answered', { field: 'Origin' });
}

/**
 * The origins this connection may be called by: the very address it came in on, `localhost` when that is loopback, and
 * the public one. An address literal is safe, as no page can make a name of its own out of it.
 */
function allowedOrigins(incoming: IncomingMessage, rules: HostRules): URL[] {
  const scheme = isTls(incoming) ? 'https' : 'http';
  const { localAddress, localPort } = incoming.socket;
  const address = (localAddress ?? '').replace(/^::ffff:/, '');
  const literal = isIP(address) === 6 ? `[${address}]` : address;
  const hosts = [literal, ...(isLoopbackAddress(address) ? ['localhost'] : [])];
  const own = hosts.map((host) => `${scheme}://${host}:${localPort}`).filter((url) => URL.canParse(url));
  return [...own.map((url) => new URL(url)), ...(rules.public_url ? [rules.public_url] : [])];
}

/** Host and port as URL writes them: default port left out, case folded. */
function hostOf(protocol: string, host: string): string | null {
  const url = `${protocol}//${host}`;
  if (!/^[A-Za-z0-9.\-:[\]]+$/.test(host) || !URL.canParse(url)) return null;
  return new URL(url).host;
}

export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

function isTls(incoming: IncomingMessage): boolean {
  return (incoming.socket as Partial<TLSSocket>).encrypted === true;
}

function isListed(list: BlockList, remote: string | undefined): boolean {
  if (remote === undefined) return false;
  const address = remote.replace(/^::ffff:/, '');
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}
