import { expect, it } from 'vitest';
import { cli, NOW_MS } from '../../../test/support/cli-host.ts';
import { SynclineError } from '../../platform/errors.ts';
import type { TokenRow } from '../../runtime/operator.ts';

const row: TokenRow = {
  token_id: 'tok_1',
  team_id: 'acme',
  member: 'ada',
  device: 'laptop',
  scopes: ['ingest'],
  created_ms: NOW_MS,
  last_used_ms: null,
  revoked_ms: null,
};

it('token create prints the token alone on stdout', async () => {
  const seen: unknown[] = [];
  const createToken = async (query: unknown) => (seen.push(query), { ...row, token: 'scl_secret' });
  const argv = ['token', 'create', '--member', 'ada', '--device', 'laptop'];
  const { exit, stdout, stderr } = await cli(argv, { operator: { createToken } });
  expect([exit, stdout]).toEqual([0, 'scl_secret\n']);
  expect(stderr).toBe(
    'Token tok_1 of ada, laptop (ingest), team acme.\nIt is not shown again; only its hash is kept.\n',
  );
  await cli([...argv, '--scope', 'read', '--scope', 'operate', '--team', 'acme'], { operator: { createToken } });
  expect(seen).toEqual([
    { team_id: null, member: 'ada', device: 'laptop', scopes: ['ingest'] },
    { team_id: 'acme', member: 'ada', device: 'laptop', scopes: ['read', 'operate'] },
  ]);
});

it('token create needs a member, and known scopes', async () => {
  expect((await cli(['token', 'create', '--device', 'x'])).stderr).toContain(
    "Required option '--member <name>' not specified.",
  );
  expect((await cli(['token', 'create', '--member', 'a', '--device', 'x', '--scope', 'root'])).exit).toBe(2);
});

it('token list never shows a token', async () => {
  const tokens = async () => [
    row,
    { ...row, token_id: 'tok_2', last_used_ms: NOW_MS - 60_000, revoked_ms: NOW_MS - 1_000 },
  ];
  const { stdout } = await cli(['token', 'list'], { operator: { tokens } });
  expect(stdout.split('\n').map((line) => line.trimEnd())).toEqual([
    'id     team  member  device  scopes  last used  state',
    'tok_1  acme  ada     laptop  ingest  never      valid',
    'tok_2  acme  ada     laptop  ingest  14:31      revoked 2026-11-21 14:31',
    '',
  ]);
  expect((await cli(['token', 'list'], { operator: { tokens: async () => [] } })).stderr).toContain(
    'There are no tokens.',
  );
});

it('token revoke asks', async () => {
  const revokeToken = async () => ({ ...row, revoked_ms: NOW_MS });
  expect((await cli(['token', 'revoke', 'tok_1'], { operator: { revokeToken } })).exit).toBe(6);
  const { exit, stderr } = await cli(['token', 'revoke', 'tok_1', '--yes'], { operator: { revokeToken } });
  expect([exit, stderr]).toEqual([0, 'Revoked tok_1 of ada, laptop.\n']);
  const unknown = async (): Promise<never> => {
    throw new SynclineError('token.unknown', 'There is no token tok_9.');
  };
  const failed = await cli(['token', 'revoke', 'tok_9', '--yes'], { operator: { revokeToken: unknown } });
  expect([failed.exit, failed.stderr]).toEqual([1, 'syncline: There is no token tok_9.\n']);
});
