import { expect, it } from 'vitest';
import { describeTable, type CatalogueColumn } from './table-description.ts';

function column(name: string, type: string, declared: string, changes: Partial<CatalogueColumn> = {}) {
  const plain = { nullable: true, has_default: false, generated: 'no', labels: null } as const;
  return [name, { name, type, declared, ...plain, ...changes }] as const;
}

it('takes limits from the declared types of the catalogue', () => {
  const columns = new Map([
    column('ext', 'text', 'text', { nullable: false }),
    column('name', 'varchar', 'character varying(80)'),
    column('names', '_varchar', 'character varying(80)[]'),
    column('price', 'numeric', 'numeric(10,2)', { has_default: true }),
    column('count', 'numeric', 'numeric(10,0)'),
    column('ratio', 'numeric', 'numeric'),
    column('colour', 'colour', 'crm.colour', { labels: ['red'] }),
    column('total', 'int4', 'integer', { generated: 'stored' }),
  ]);
  const { name, columns: described } = describeTable('public.t', { columns, unique: new Set(['ext']) });
  expect(name).toBe('public.t');
  const said = described.map((one) => [one.name, one.length, one.scale, one.unique, one.generated].join(' '));
  expect(said).toEqual([
    'ext   true false',
    'name 80  false false',
    'names 80  false false',
    'price  2 false false',
    'count  0 false false',
    'ratio   false false',
    'colour   false false',
    'total   false true',
  ]);
});
