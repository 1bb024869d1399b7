import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSameCommit, parseSha, shaMatches } from './sha.ts';

const hex = fc.stringMatching(/^[0-9a-f]{7,64}$/);

describe('commit ids', () => {
  it('are 7 to 64 hex digits, in any case', () => {
    expect(parseSha(' ABC1234 \n')).toBe('abc1234');
    for (const text of ['abc123', 'abc123g', 'a'.repeat(65), '', 'abc1234 x']) expect(parseSha(text)).toBeNull();
  });

  it('a short one is the same as a whole one that begins with it, whichever was stored', () => {
    expect(isSameCommit('abc1234', 'abc1234def')).toBe(true);
    expect(isSameCommit('abc1234def', 'ABC1234')).toBe(true);
    expect(isSameCommit('abc1234', 'abc1235')).toBe(false);
    expect(isSameCommit('abc123', 'abc1234')).toBe(false);
  });

  it('a query finds exactly what is the same commit', () => {
    fc.assert(
      fc.property(hex, hex, fc.nat(64), fc.boolean(), (asked, other, length, related) => {
        const stored = related ? (asked + other).slice(0, Math.max(7, length)) : other;
        const { from, before, beginnings } = shaMatches(asked)!;
        const found = (stored >= from && stored < before) || beginnings.includes(stored);
        expect(found).toBe(isSameCommit(asked, stored));
      }),
    );
    expect(shaMatches('no id')).toBeNull();
  });
});
