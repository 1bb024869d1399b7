import { expect, test } from 'vitest';
import { expandHome, globMatcher } from './glob.ts';

test.each([
  ['github.com/acme/*', 'github.com/acme/web', true],
  ['github.com/acme/*', 'github.com/acme', false],
  ['github.com/acme/*', 'github.com/other/web', false],
  ['github.com/acme/*', 'evil.dev/github.com/acme/web', false],
  ['github.com/acme/web', 'github.com/acme/web2', false],
  ['**', 'anything/at/all', true],
  ['/home/ann/private/**', '/home/ann/private/', true],
  ['/home/ann/private', '/home/ann/private/deep/file', true],
  ['/home/ann/private', '/home/ann/privates', false],
  ['github.com/acme/w?b', 'github.com/acme/web', true],
  ['github.com/a.me/web', 'github.com/acme/web', false],
])('%s on %s: %s', (glob, text, expected) => expect(globMatcher(glob)(text)).toBe(expected));

test('only a leading ~ is the home', () => {
  expect(expandHome('~/private', '/home/ann')).toBe('/home/ann/private');
  expect(expandHome('/x/~', '/home/ann')).toBe('/x/~');
});
