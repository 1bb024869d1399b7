import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { formatMappingProblem, inspectMapping } from './parse-mapping.ts';

const page = readFileSync(new URL('../../../docs/records-mapping.md', import.meta.url), 'utf8');

it('the mapping file in the guide is valid', () => {
  const text = /```toml mapping\n([^]*?)```/.exec(page)?.[1] ?? '';
  const source = {
    name: 'contacts',
    file: 'contacts.toml',
    brakes: { max_deletes: 1, max_creates: 1, max_changes_percent: 1 },
  };
  const { problems, mapping } = inspectMapping(text, source);
  expect(problems.map((problem) => formatMappingProblem(problem, 'contacts.toml'))).toEqual([]);
  expect(mapping?.fields).toHaveLength(5);
});
