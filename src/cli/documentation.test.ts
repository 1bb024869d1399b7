import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { hostOf } from '../../test/support/cli-host.ts';
import { EXIT } from '../platform/errors.ts';
import { parseCommandLine } from './program.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const pages = [
  ...readdirSync(join(root, 'docs')).map((name) => join('docs', name)),
  ...['README.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md'],
].filter((page) => page.endsWith('.md') && existsSync(join(root, page)));

/** Lines of shell blocks that call syncline, without comments, redirections and what follows a pipe. */
function commandLines(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/```(?:sh|bash|console)\n([^]*?)```/g)]
    .flatMap(([, block = '']) => block.split('\n'))
    .map((line) => line.replace(/^\$ /, '').replace(/^npm run -s syncline -- /, 'syncline '))
    .filter((line) => line.startsWith('syncline '))
    .map((line) => line.replace(/\s+(#|>|\||<|&&).*$/, '').trim());
}

/** As a shell takes it apart, in the forms that the guides use. */
function wordsOf(line: string): string[] {
  return (line.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^(["'])(.*)\1$/, '$2'));
}

const lines = pages.flatMap((page) => commandLines(page).map((line) => [page, line] as const));

describe('the guides', () => {
  it.each(lines)('%s: %s', (_, line) => {
    const { host } = hostOf({});
    const parsed = parseCommandLine(wordsOf(line).slice(1), host);
    if (typeof parsed === 'number') expect(parsed).toBe(EXIT.ok);
    else expect(line).toContain(parsed.name);
  });
});
