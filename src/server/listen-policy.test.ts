import { expect, test } from 'vitest';
import { checkListenPolicy, proxyList, type ListenPolicy } from './listen-policy.ts';

const policy = (more: Partial<ListenPolicy>): ListenPolicy => ({
  host: '0.0.0.0',
  has_tls: false,
  behind_proxy: [],
  has_tokens: false,
  ...more,
});

test.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1', '[::1]'])('%s needs nothing', (host) => {
  expect(() => checkListenPolicy(policy({ host }))).not.toThrow();
});

test.each<[string, Partial<ListenPolicy>, string]>([
  ['nothing', {}, 'listen.tls'],
  ['a token alone', { has_tokens: true }, 'listen.tls'],
  ['TLS alone', { has_tls: true }, 'listen.token'],
  ['a proxy alone', { behind_proxy: ['10.0.0.0/8'] }, 'listen.token'],
  ['nothing, by a name', { host: 'team.lan' }, 'listen.tls'],
  ['nothing, in IPv6', { host: '::' }, 'listen.tls'],
])('beyond this machine %s is not enough', (_name, more, code) => {
  expect(() => checkListenPolicy(policy(more))).toThrow(expect.objectContaining({ code, exit: 2 }));
});

test.each<Partial<ListenPolicy>>([{ has_tls: true }, { behind_proxy: ['10.0.0.0/8'] }])(
  '%j and a token are',
  (more) => {
    expect(() => checkListenPolicy(policy({ ...more, has_tokens: true }))).not.toThrow();
  },
);

test('proxies are ranges or single addresses of either family', () => {
  const list = proxyList(['10.0.0.0/8', '192.0.2.7', 'fd00::/8']);
  expect([list?.check('10.9.9.9'), list?.check('192.0.2.7'), list?.check('192.0.2.8')]).toEqual([true, true, false]);
  expect(list?.check('fd12::1', 'ipv6')).toBe(true);
  for (const range of ['proxy.lan', '10.0.0.0/33', '10.0.0.0/x', ''])
    expect(() => proxyList([range])).toThrow(expect.objectContaining({ code: 'listen.proxy' }));
});
