/** Commands of a guide, as a reader types them: `machine$ command` in a console block under a heading. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './machine.ts';

export interface TypedCommand {
  machine: string;
  /** Without `syncline`, split as a shell would. */
  args: string[];
}

/** @throws Error when the page has no such heading, or no console block under it */
export function typedCommands(page: string, heading: string): TypedCommand[] {
  const block = /```console\n([^]*?)```/.exec(sectionOf(page, heading))?.[1];
  if (block === undefined) throw new Error(`${page} has no console block under ${heading}`);
  return [...block.matchAll(/^(\w+)\$\s+syncline (.*?)(\s+#.*)?$/gm)].map(([, machine = '', line = '']) => ({
    machine,
    args: [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
      ([, double, single, plain]) => double ?? single ?? plain ?? '',
    ),
  }));
}

/** The configuration that the guide gives under the heading. */
export function tomlBlock(page: string, heading: string): string {
  const block = /```toml\n([^]*?)```/.exec(sectionOf(page, heading))?.[1];
  if (block === undefined) throw new Error(`${page} has no configuration under ${heading}`);
  return block;
}

function sectionOf(page: string, heading: string): string {
  const text = readFileSync(join(REPOSITORY, page), 'utf8');
  const from = text.indexOf(`\n## ${heading}\n`);
  if (from < 0) throw new Error(`${page} has no heading ${heading}`);
  const to = text.indexOf('\n## ', from + 4);
  return text.slice(from, to < 0 ? undefined : to);
}
