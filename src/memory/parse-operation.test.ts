import fc from 'fast-check';
import { expect, test } from 'vitest';
import { authored, operations, storeOf } from '../../test/support/memory-operations.ts';
import { formatOperation } from './operation.ts';
import { parseOperation } from './parse-operation.ts';

const STAMP = '018f2c3a4b5d-0003-k3x9.1';
const store = authored(storeOf('m', STAMP));
const broken = (change: object): string => JSON.stringify({ ...store, ...change });
const withField = (fields: object): string =>
  broken({ fields: { ...(store.kind === 'store' ? store.fields : {}), ...fields } });

test('an operation says the same after it travelled', () => {
  fc.assert(
    fc.property(operations(), (list) => {
      expect(list.map((operation) => parseOperation(formatOperation(operation)))).toEqual(list);
    }),
  );
});

test('fields of newer members are kept (D23)', () => {
  const parsed = parseOperation(withField({ memory_kind: 'claim', tier: 'eternal', source: 'new' }));
  expect(parsed).toMatchObject({ fields: { memory_kind: 'claim', tier: 'eternal', source: 'new' } });
});

test.each([
  [withField({ title: ' ' }), 'fields.title'],
  [withField({ title: 'x'.repeat(2049) }), 'fields.title'],
  [withField({ title: 'a\u0000b' }), 'fields.title'],
  [withField({ content: 7 }), 'fields.content'],
  [withField({ content: 'é'.repeat(131_073) }), 'fields.content'],
  [withField({ tags: Array<string>(51).fill('t') }), 'fields.tags'],
  [withField({ tags: ['ok', ' '] }), 'fields.tags.1'],
  [withField({ priority: 11 }), 'fields.priority'],
  [withField({ priority: 1.5 }), 'fields.priority'],
  [withField({ confidence: 1.01 }), 'fields.confidence'],
  [withField({ namespace: 'a//b' }), 'fields.namespace'],
  [withField({ namespace: '1/2/3/4/5/6/7/8/9' }), 'fields.namespace'],
  [withField({ namespace: 'a b' }), 'fields.namespace'],
  [withField({ namespace: '../x' }), 'fields.namespace'],
  [withField({ expires_at: 'tomorrow' }), 'fields.expires_at'],
  [withField({ archived: null }), 'fields'],
  [broken({ metadata: [] }), 'metadata'],
  [broken({ metadata: deep(33) }), 'metadata'],
  [broken({ id: '' }), 'id'],
  [broken({ id: 'x'.repeat(129) }), 'id'],
  [broken({ stamp: 'now' }), 'stamp'],
  [broken({ by: { agent_id: 'a b', device: 'd' } }), 'by.agent_id'],
  [broken({ group: 'g' }), 'group'],
  [broken({ replaces: 'r' }), 'replaces'],
  [JSON.stringify({ ...store, fields: {} }), 'fields.title'],
])('refuses and names the field: %#', (text, field) => {
  let refused: unknown;
  try {
    parseOperation(text);
  } catch (error) {
    refused = error;
  }
  expect(refused).toMatchObject({ code: 'memory.invalid', field });
});

test.each([
  ['{', 'memory.json'],
  [broken({ v: 2 }), 'memory.unknown_version'],
  [broken({ kind: 'fly' }), 'memory.unknown_kind'],
  [broken({ kind: 'constructor' }), 'memory.unknown_kind'],
  [broken({ pad: 'x'.repeat(600_000) }), 'memory.too_large'],
])('refuses as another form, version or kind: %#', (text, code) =>
  expect(() => parseOperation(text)).toThrow(expect.objectContaining({ code })),
);

function deep(levels: number): object {
  return levels === 0 ? {} : { d: deep(levels - 1) };
}
