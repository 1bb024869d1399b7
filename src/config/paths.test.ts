import { describe, expect, it } from 'vitest';
import { UsageError } from '../platform/errors.ts';
import { refuseRealHomeUnderTest, resolvePaths, type PathInputs } from './paths.ts';

function paths(inputs: Partial<PathInputs>): [home: string, config: string] {
  const found = resolvePaths({ env: {}, user_home: '/home/ada', cwd: '/here', ...inputs });
  return [found.home, found.config_file];
}

describe('resolvePaths', () => {
  it.each<[string, Partial<PathInputs>, string, string]>([
    ['defaults', {}, '/home/ada/.local/share/syncline', '/home/ada/.config/syncline/config.toml'],
    ['HOME', { env: { HOME: '/h' } }, '/h/.local/share/syncline', '/h/.config/syncline/config.toml'],
    ['XDG', { env: { XDG_DATA_HOME: '/d', XDG_CONFIG_HOME: '/c' } }, '/d/syncline', '/c/syncline/config.toml'],
    [
      'XDG that is relative is ignored',
      { env: { XDG_DATA_HOME: 'd' } },
      '/home/ada/.local/share/syncline',
      '/home/ada/.config/syncline/config.toml',
    ],
    ['SYNCLINE_HOME', { env: { SYNCLINE_HOME: '/s', XDG_CONFIG_HOME: '/c' } }, '/s', '/s/config.toml'],
    [
      'SYNCLINE_HOME that is empty',
      { env: { SYNCLINE_HOME: '' } },
      '/home/ada/.local/share/syncline',
      '/home/ada/.config/syncline/config.toml',
    ],
    [
      '--home over SYNCLINE_HOME',
      { env: { SYNCLINE_HOME: '/s' }, home: 'mine' },
      '/here/mine',
      '/here/mine/config.toml',
    ],
    ['--config', { env: { SYNCLINE_HOME: '/s' }, config: 'x.toml' }, '/s', '/here/x.toml'],
    [
      '--profile',
      { profile: 'acme' },
      '/home/ada/.local/share/syncline/profiles/acme',
      '/home/ada/.config/syncline/profiles/acme/config.toml',
    ],
    [
      '--profile below SYNCLINE_HOME',
      { env: { SYNCLINE_HOME: '/s' }, profile: 'acme' },
      '/s/profiles/acme',
      '/s/profiles/acme/config.toml',
    ],
  ])('%s', (_, inputs, home, config) => {
    expect(paths(inputs)).toEqual([home, config]);
  });

  it.each(['', '.', '..', 'a/b', '-x', 'x'.repeat(80)])('refuses the profile name %j', (profile) => {
    expect(() => paths({ profile })).toThrow(UsageError);
  });

  it('says whether the configuration file must exist', () => {
    const base = { env: {}, user_home: '/h', cwd: '/w' };
    expect(resolvePaths(base).config_required).toBe(false);
    expect(resolvePaths({ ...base, config: 'x' }).config_required).toBe(true);
  });
});

describe('refuseRealHomeUnderTest (R27)', () => {
  it('refuses only a test runner without a home of its own', () => {
    expect(() => refuseRealHomeUnderTest({ VITEST: 'true' })).toThrow(/SYNCLINE_HOME/);
    expect(() => refuseRealHomeUnderTest({ VITEST: 'true', SYNCLINE_HOME: '/t' })).not.toThrow();
    expect(() => refuseRealHomeUnderTest({})).not.toThrow();
  });
});
