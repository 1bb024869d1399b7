import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { inspectConfig } from './load.ts';
import { formatProblem } from './problems.ts';

const docs = fileURLToPath(new URL('../../docs/', import.meta.url));
const pages = readdirSync(docs).filter((name) => name.endsWith('.md'));

/** Configuration in the guides: TOML blocks with a [section]; those of a repository have none. */
const examples = pages.flatMap((page) =>
  [...readFileSync(join(docs, page), 'utf8').matchAll(/```toml\n([^]*?)```/g)]
    .map(([, text = '']) => [page, text] as const)
    .filter(([, text]) => /^\[/m.test(text)),
);

it.each(examples)('%s shows a configuration that is valid: %s', (_, text) => {
  const file = join(mkdtempSync(join(tmpdir(), 'syncline-docs-')), 'config.toml');
  writeFileSync(file, text);
  expect(inspectConfig({ file, env: {} }).problems.map(formatProblem)).toEqual([]);
});
