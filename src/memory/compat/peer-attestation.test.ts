import { expect, it, test } from 'vitest';
import { PeerAttestation } from './peer-attestation.ts';

it.each([
  ['team/ops', 'team/ops', true],
  ['team/ops', 'team/ops/x', false],
  ['team/*', 'team/ops', true],
  ['team/*', 'team', false],
  ['team/*', 'team/ops/x', false],
  ['*', 'global', true],
  ['*', 'team/ops', false],
  ['**', 'team/ops/x', true],
  ['team/**', 'team/ops/x', true],
  ['team/**', 'team', true],
  ['team/**', 'teams/ops', false],
  ['team/**/secret', 'team/a/b/secret', true],
  ['team/**/secret', 'team/a/b/open', false],
  ['team/*/x', 'team/ops/x', true],
  ['te*m', 'team', false],
  ['', 'team', false],
])('%j on %j: %s', (glob, namespace, covered) => {
  const list = PeerAttestation.read({ n1: { allowed_namespaces: ['nothing', glob] } });
  expect(list.namespacesOf('n1')!(namespace)).toBe(covered);
});

test('a hostile pattern is judged at once', () => {
  const list = PeerAttestation.read({ n1: { allowed_namespaces: [`${'**/'.repeat(5000)}x`] } });
  expect(list.namespacesOf('n1')!('a/b/c/d/e/f/g/h')).toBe(false);
});

test('a peer without a list of namespaces has none, which is not every one', () => {
  expect(PeerAttestation.read({ n1: {} }).namespacesOf('n1')).toBeNull();
  expect(PeerAttestation.none.namespacesOf('n1')).toBeNull();
  expect(PeerAttestation.read({ n1: { allowed_namespaces: [] } }).namespacesOf('n1')!('team')).toBe(false);
});

it.each([[[]], ['x'], [{ n1: 5 }], [{ n1: { allowed_sender_agent_ids: [1] } }], [{ n1: { allowed_namespaces: 'x' } }]])(
  '%j has another form than agreed',
  (json) => expect(() => PeerAttestation.read(json)).toThrow(/another form/),
);
