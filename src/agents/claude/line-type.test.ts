import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { peekLineType, unknownTypeLabel, useOfLineType } from './line-type.ts';

describe('peekLineType', () => {
  it('finds the top-level type of a real line and stops at the first nested value', () => {
    expect(peekLineType('{"parentUuid":null,"isSidechain":false,"type":"progress","data":{')).toBe('progress');
    expect(peekLineType('{"message":{"type":"message"},"type":"user"}')).toBeNull();
    expect(peekLineType('{"cwd":"/a\\\\","gitBranch":"\\"type\\":\\"x\\"","type":"user"')).toBe('user');
    expect(peekLineType('{"type":"us\\u0065r"}')).toBeNull();
    expect(peekLineType('{"cwd":"C:\\\\","type":"user"')).toBe('user');
    expect(peekLineType('{"cwd":"unfinished')).toBeNull();
    expect(peekLineType('')).toBeNull();
  });

  it('never answers anything but what JSON.parse says', () => {
    const text = fc.string({ unit: fc.constantFrom('"', '\\', '{', '}', ':', ',', 'type', 'x', ' ', '[') });
    const value = fc.oneof(
      text,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.record({ type: text }),
      fc.array(text),
    );
    const entry = fc.tuple(fc.oneof(fc.constant('type'), text), value);
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 6 }), fc.boolean(), fc.nat(200), (entries, spaced, cut) => {
        // Written by hand, so that a key may stand anywhere; unique, because of equal keys JSON.parse keeps the last.
        const unique = entries.filter(([key], index) => entries.findIndex(([other]) => other === key) === index);
        const colon = spaced ? ' : ' : ':';
        const json = `{${unique.map(([key, inner]) => JSON.stringify(key) + colon + JSON.stringify(inner)).join(',')}}`;
        const parsed = (JSON.parse(json) as { type?: unknown }).type;
        for (const head of [json, json.slice(0, cut)]) {
          const peeked = peekLineType(head);
          if (peeked !== null) expect(JSON.parse(`"${peeked}"`)).toBe(parsed);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('unknown types', () => {
  it('are counted by name, but text that could be content is not repeated', () => {
    expect(useOfLineType('brand-new')).toBe('unknown');
    expect(unknownTypeLabel('brand-new')).toBe('type:brand-new');
    expect(unknownTypeLabel('my password is hunter2')).toBe('type:other');
  });
});
