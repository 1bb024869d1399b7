/**
 * recheck proves each pattern; that takes about a second each. `redos-proved.json` keeps the digests of those proved
 * before, so a run checks what changed. `RECHECK=all` checks all of them again and rewrites the file.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { check } from 'recheck';
import { afterAll, describe, expect, it } from 'vitest';
import type { Rule } from './rule.ts';
import { rules } from './rules.ts';
import { SECRET_FLAG, SECRET_FLAG_WORD } from './shell.ts';

const file = new URL('./redos-proved.json', import.meta.url);
const again = process.env.RECHECK === 'all';
const proved = new Set<string>(again ? [] : (JSON.parse(readFileSync(file, 'utf8')) as string[]));

/** By steps, not by time: recheck takes a pattern that is slow on a busy machine for a vulnerable one. */
const LIMITS = { timeout: 150_000, attackTimeout: null, incubationTimeout: null };

/** `sk-` → `[sS][kK]\x2d`: anchors are found in any case, whatever the pattern says. */
const anyCase = (literal: string): string =>
  [...literal].map((c) => (/[A-Za-z]/.test(c) ? `[${c.toLowerCase()}${c.toUpperCase()}]` : `\\x${hex(c)}`)).join('');
const hex = (character: string): string => character.charCodeAt(0).toString(16).padStart(2, '0');

/** The pattern as the matcher runs it: only where an anchor stands. recheck does not know groups of equal names. */
const asRun = (rule: Rule): string =>
  `(?=${rule.anchors.map(anyCase).join('|')})(?:${rule.pattern.replace(/\(\?<(?:lead|secret)>/g, '(')})`;

describe('no pattern backtracks more than linearly (recheck)', () => {
  it.concurrent.each<[name: string, source: string, flags: string]>([
    ...rules.map((rule): [string, string, string] => [rule.name, asRun(rule), rule.ignore_case ? 'i' : '']),
    ['flag of a command', SECRET_FLAG, 'i'],
    ['flag as a word', SECRET_FLAG_WORD, 'i'],
  ])('%s', { timeout: 180_000 }, async (_name, source, flags) => {
    const digest = createHash('sha256').update(`${flags}/${source}`).digest('hex').slice(0, 16);
    if (proved.has(digest)) return;
    const result = await check(source, flags, LIMITS);
    expect(result.status, result.status === 'vulnerable' ? result.attack.pattern : undefined).toBe('safe');
    proved.add(digest);
  });

  it('would say so: recheck finds a pattern that we had to repair', { timeout: 60_000 }, async () => {
    const result = await check(String.raw`eyJ[A-Za-z0-9_-]{10,2048}\.eyJ[A-Za-z0-9_-]{4,8192}`, '');
    expect(result.status).toBe('vulnerable');
  });

  afterAll(() => {
    if (again) writeFileSync(file, `${JSON.stringify([...proved].sort(), null, 2)}\n`);
  });
});

it('every repetition is bounded', () => {
  const withoutClasses = (source: string): string => source.replace(/\\./g, '_').replace(/\[[^\]]*\]/g, '_');
  const offenders = rules.filter((rule) => /[*+]|\{\d+,\}/.test(withoutClasses(rule.pattern)));
  expect(offenders.map((rule) => rule.name)).toEqual([]);
});
