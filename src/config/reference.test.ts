import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { configReference } from './reference.ts';

const file = new URL('../../docs/configuration.md', import.meta.url);
const KEYS = /(<!-- keys: [^>]*-->\n)[^]*(<!-- end of keys -->)/;

it('docs/configuration.md lists every key as the schema has it (UPDATE_DOCS=1 writes it anew)', () => {
  const text = readFileSync(file, 'utf8');
  expect(text).toMatch(KEYS);
  const current = text.replace(KEYS, (_, start: string, end: string) => `${start}\n${configReference()}\n${end}`);
  if (process.env['UPDATE_DOCS']) writeFileSync(file, current);
  else expect(text).toBe(current);
});

it('gives each key a form, a default or a need, and a meaning', () => {
  const rows = configReference()
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  expect(rows.length).toBeGreaterThan(50);
  for (const row of rows)
    expect(row).toMatch(/^\| `[a-z_.[\]]+` \| [^|]{3,} \| (`.+`|not set|\*\*needed\*\*) \| [A-Z"].{5,} \|$/);
});
