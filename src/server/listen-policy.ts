import { BlockList, isIP } from 'node:net';
import { UsageError } from '../platform/errors.ts';
import { isLoopbackAddress } from './access/host-check.ts';

export interface ListenPolicy {
  /** Address or name to bind. */
  host: string;
  has_tls: boolean;
  /** CIDR ranges of the proxies in front. */
  behind_proxy: readonly string[];
  has_tokens: boolean;
}

/**
 * R7: beyond this machine a server needs TLS of its own or of a proxy, and tokens.
 * @throws UsageError `listen.tls`, `listen.token` naming what is missing
 */
export function checkListenPolicy({ host, has_tls, behind_proxy, has_tokens }: ListenPolicy): void {
  if (isLoopbackHost(host)) return;
  if (!has_tls && behind_proxy.length === 0)
    throw new UsageError(
      'listen.tls',
      `Listening on ${host} needs TLS: other machines would send their tokens in clear`,
      {
        field: 'server.listen',
        hint: 'Give --tls-cert and --tls-key, or --behind-proxy CIDR when a proxy in front does TLS.',
      },
    );
  if (!has_tokens)
    throw new UsageError('listen.token', `Listening on ${host} needs a token, and none exists`, {
      field: 'server.listen',
      hint: 'Make one with `syncline token create`.',
    });
}

/** Whether only this machine can reach a server bound so. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || isLoopbackAddress(host.replace(/^\[|\]$/g, ''));
}

/**
 * The proxies' addresses; null when there is none.
 * @throws UsageError `listen.proxy`
 */
export function proxyList(ranges: readonly string[]): BlockList | null {
  if (ranges.length === 0) return null;
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    const family = isIP(address);
    const prefix = bits === undefined ? (family === 6 ? 128 : 32) : Number(bits);
    if (family === 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > (family === 6 ? 128 : 32))
      throw new UsageError('listen.proxy', 'behind_proxy holds something that is no address range', {
        field: 'server.behind_proxy',
        hint: 'Write ranges like 10.0.0.0/8 or fd00::/8.',
      });
    list.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}
