import { expect, test } from 'vitest';
import { accounts } from '../../../../test/support/salesforce-side.ts';
import { writeCollection } from './collections.ts';
import type { Row, WriteContext } from './row.ts';

const rows = ['a', 'b'].map((key): Row => ({
  write: { key, id: null, operation: 'upsert', fields: {} },
  action: 'create',
  target: { by: 'key', value: key },
  body: {},
}));
const good = (id: string) => ({ id, success: true, errors: [], created: true });

test.each([
  ['too few', [good('001000000000001AAA')]],
  ['too many', [good('001000000000001AAA'), good('001000000000002AAA'), good('001000000000003AAA')]],
  ['no list', { fine: true }],
])('a list of results that is not one for each leaves all of them unknown: %s', async (_, body) => {
  const transport = { call: async () => ({ ok: true, status: 200, headers: {}, body }) };
  const context = { transport } as unknown as WriteContext;
  const { results } = await writeCollection(context, accounts(), rows, new AbortController().signal);
  expect(results).toEqual(
    rows.map(() => ({
      kind: 'failed',
      failure: expect.objectContaining({ class: 'unknown', code: 'short_answer' }) as unknown,
    })),
  );
});
