import { describe, expect, it } from 'vitest';
import { examples } from './examples.ts';
import { loadHashing } from './hashing.ts';
import { compile } from './matcher.ts';
import { createRedactor } from './redactor.ts';
import { findMarkers, totalOf, type Tally } from './report.ts';
import { rules } from './rules.ts';

const redactor = createRedactor({ hashing: await loadHashing(), salt: new Uint8Array(32), workspace: '/proj' });

describe.each(rules.map((rule) => [rule.name, rule] as const))('rule %s', (name, rule) => {
  const { positive, negative } = examples[name] ?? { positive: [], negative: [] };
  const alone = compile([rule]);

  it('has examples of both kinds', () => {
    expect(positive.length).toBeGreaterThan(0);
    expect(negative.length).toBeGreaterThan(1);
  });
  it.each(positive)('%j + %j + %j is removed', (before, secret, after) => {
    const tally: Tally = new Map();
    const out = redactor.redactText(before + secret + after, tally);
    expect(out).not.toContain(secret);
    expect(totalOf(tally)).toBeGreaterThan(0);
    expect(findMarkers(out).length).toBeGreaterThan(0);
    expect(redactor.redactText(out)).toBe(out);
  });
  it.each(positive)('%j + %j + %j: this rule alone finds the whole secret', (before, secret, after) => {
    const hits = alone.hits(before + secret + after, () => true);
    expect(hits[0]?.start).toBeLessThanOrEqual(before.length);
    expect(hits.at(-1)?.end).toBeGreaterThanOrEqual(before.length + secret.length);
  });
  it.each(negative)('%j comes through', (text) => {
    expect(redactor.redactText(text)).toBe(text);
  });
});

it('has examples for known rules only, and no name twice', () => {
  const names = new Set(rules.map((rule) => rule.name));
  expect(Object.keys(examples).filter((name) => !names.has(name))).toEqual([]);
  expect(names.size).toBe(rules.length);
});

it('has anchors in lower case, none of which begins another', () => {
  const anchors = [...new Set(rules.flatMap((rule) => rule.anchors))];
  expect(anchors.filter((anchor) => anchor !== anchor.toLowerCase())).toEqual([]);
  expect(anchors.filter((anchor) => anchors.some((other) => other !== anchor && anchor.startsWith(other)))).toEqual([]);
});
