import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeSecret, resolveSecret } from './secret.ts';

const folder = mkdtempSync(join(tmpdir(), 'syncline-secret-'));
const from = { key: 'team.token', config_file: join(folder, 'config.toml'), env: { TOKEN: ' abc \n', EMPTY: ' ' } };

function file(name: string, content: string, mode: number): { file: string } {
  writeFileSync(join(folder, name), content);
  chmodSync(join(folder, name), mode);
  return { file: name };
}

describe('resolveSecret', () => {
  it('reads a private file beside the configuration, and the environment', () => {
    expect(resolveSecret(file('token', 'xyz\n', 0o600), from)).toBe('xyz');
    expect(resolveSecret({ file: join(folder, 'token') }, from)).toBe('xyz');
    expect(resolveSecret({ env: 'TOKEN' }, from)).toBe('abc');
  });

  it.each([
    ['a file that others can read', () => file('open', 'opensesame', 0o644), /others can read the secret file open/],
    ['a file that is not there', () => ({ file: 'none' }), /secret file none cannot be read \(ENOENT\)/],
    ['an empty file', () => file('empty', '\n', 0o600), /secret from file empty is empty/],
    ['a variable that is not set', () => ({ env: 'NONE' }), /secret from env NONE is not set/],
    ['an empty variable', () => ({ env: 'EMPTY' }), /secret from env EMPTY is empty/],
  ])('refuses %s, naming the key', (_, reference, message) => {
    const resolve = (): string => resolveSecret(reference(), from);
    expect(resolve).toThrow(message);
    expect(resolve).toThrow(/^team\.token: /);
    expect(resolve).not.toThrow(/opensesame/);
  });
});

it('describeSecret says where, never what', () => {
  expect(describeSecret({ file: 'team.token' })).toBe('<secret from file team.token>');
  expect(describeSecret({ env: 'T' })).toBe('<secret from env T>');
});
