import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRepositoryRules } from './repository.ts';

describe('parseRepositoryRules', () => {
  it('follows keys that narrow', () => {
    expect(parseRepositoryRules('capture = false\nshare = "none"\nexclude = ["secrets/**"]')).toEqual({
      rules: { capture: false, share: false, exclude: ['secrets/**'] },
      refused: [],
    });
    expect(parseRepositoryRules('')).toEqual({ rules: { capture: true, share: true, exclude: [] }, refused: [] });
  });

  it.each([
    ['capture = true', 'capture', 1],
    ['share = "all"', 'share', 1],
    ['# x\n\n[team]\nurl = "https://evil.dev"\ntoken = { env = "AWS_SECRET" }', 'team', 3],
    ['[[telemetry.destination]]\ntype = "server"', 'telemetry', 1],
    ['\nurl = "https://evil.dev"', 'url', 2],
  ])('refuses what widens or redirects: %j', (text, key, line) => {
    const { rules, refused } = parseRepositoryRules(text);
    expect(rules).toEqual({ capture: true, share: true, exclude: [] });
    expect(refused).toMatchObject([{ key, line }]);
    expect(refused[0]?.reason).toMatch(/only/);
  });

  it('still follows the other keys of a file that also widens', () => {
    const { rules, refused } = parseRepositoryRules('share = "none"\n[team]\nurl = "https://evil.dev"');
    expect(rules.share).toBe(false);
    expect(refused).toHaveLength(1);
  });

  it.each(['capture = "no"', 'share = 3', 'exclude = "x"', 'exclude = ['])(
    'takes a broken wish as the narrowest: %j',
    (text) => {
      const { rules, refused } = parseRepositoryRules(text);
      expect(rules.capture && rules.share).toBe(false);
      expect(refused).toHaveLength(1);
    },
  );

  it('never throws, whatever a stranger wrote', () => {
    const line = fc.oneof(fc.string(), fc.constantFrom('capture = false', 'share = "none"', '[team]', 'x = [', '"'));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 4 }), (lines) => {
        expect(Object.keys(parseRepositoryRules(lines.join('\n')).rules)).toEqual(['capture', 'share', 'exclude']);
      }),
    );
  });
});
