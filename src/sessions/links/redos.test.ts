/**
 * recheck proves every pattern of this folder, as `src/redaction/redos.test.ts` does for the rules: what agents print is
 * anybody's text. Patterns proved before are kept by digest in `redos-proved.json`; `RECHECK=all` proves all again.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { check } from 'recheck';
import ts from 'typescript';
import { afterAll, describe, expect, it } from 'vitest';

const folder = new URL('./', import.meta.url);
const file = new URL('redos-proved.json', folder);
const again = process.env.RECHECK === 'all';
const proved = new Set<string>(again ? [] : (JSON.parse(readFileSync(file, 'utf8')) as string[]));

/** By steps, not by time: recheck takes a pattern that is slow on a busy machine for a vulnerable one. */
const LIMITS = { timeout: 150_000, attackTimeout: null, incubationTimeout: null };

function patternsIn(name: string): [name: string, source: string, flags: string][] {
  const found: [string, string, string][] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf('/');
      found.push([name, node.text.slice(1, end), node.text.slice(end + 1)]);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(name, readFileSync(new URL(name, folder), 'utf8'), ts.ScriptTarget.Latest));
  return found;
}

const patterns = readdirSync(folder)
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .flatMap(patternsIn);

describe('no pattern backtracks more than linearly (recheck)', () => {
  it('finds the patterns', () => expect(patterns.length).toBeGreaterThan(50));

  it.concurrent.each(patterns)('%s: %s', { timeout: 180_000 }, async (_name, source, flags) => {
    const digest = createHash('sha256').update(`${flags}/${source}`).digest('hex').slice(0, 16);
    if (proved.has(digest)) return;
    const result = await check(source, flags, LIMITS);
    expect(result.status, result.status === 'vulnerable' ? result.attack.pattern : undefined).toBe('safe');
    proved.add(digest);
  });

  afterAll(() => {
    if (again) writeFileSync(file, `${JSON.stringify([...proved].sort(), null, 2)}\n`);
  });
});
