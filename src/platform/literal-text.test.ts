import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LiteralText } from './literal-text.ts';

describe('LiteralText', () => {
  it('finds a text as it stands, whatever the case, and reads no pattern into it', () => {
    expect(new LiteralText('a.C').isIn('xA.cy')).toBe(true);
    expect(new LiteralText('a.c').isIn('abc')).toBe(false);
    expect(new LiteralText('ÄRGER').isIn('viel Ärger')).toBe(true);
  });

  it('looks at the values of JSON, not at the names of fields', () => {
    expect(new LiteralText('content').isInJson('{"content":"x"}')).toBe(false);
    expect(new LiteralText('say "hi"\n').isInJson(JSON.stringify({ a: [{ b: 'I say "Hi"\n.' }] }))).toBe(true);
    expect(new LiteralText('cut').isInJson('{"is":"cu')).toBe(false);
    expect(new LiteralText('cut').isInJson('{"is":"cut')).toBe(true);
  });

  it('has a probe that every JSON of a text with it holds', () => {
    const around = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(around, fc.string({ unit: 'grapheme', minLength: 1 }), around, (before, text, after) => {
        const once = JSON.stringify({ said: `${before}${text}${after}` });
        const twice = JSON.stringify({ input_json: once });
        const { probe } = new LiteralText(text);
        // As `lower` of SQLite does it.
        const lowered = (json: string): string => json.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
        expect(lowered(once)).toContain(probe);
        expect(lowered(twice)).toContain(probe);
      }),
    );
  });
});
