/** Operations of the memory flow: a few, and arbitrary ones that touch each other often. */
import fc from 'fast-check';
import { formatStamp, type Stamp } from '../../src/memory/clock/stamp.ts';
import type { JsonObject } from '../../src/memory/json.ts';
import type { Author, MemoryFields, Operation, OperationBody } from '../../src/memory/operation.ts';

export const AUTHOR: Author = { agent_id: 'ann', device: 'laptop' };

type Stamped<T> = T extends unknown ? Omit<T, 'v' | 'by'> : never;

/** An operation of some author. */
export function authored(body: Stamped<OperationBody & { stamp: Stamp }>, by: Author = AUTHOR): Operation {
  return { v: 1, by, ...body };
}

export function fieldsOf(id: string, change: JsonObject = {}): MemoryFields {
  return {
    title: `title of ${id}`,
    content: `content of ${id}`,
    namespace: 'global',
    tier: 'mid',
    tags: ['a', 'b'],
    priority: 5,
    confidence: 1,
    source: 'api',
    expires_at: null,
    ...change,
  };
}

export function storeOf(id: string, stamp: Stamp, change: JsonObject = {}) {
  return { kind: 'store', id, fields: fieldsOf(id, change), metadata: { agent_id: 'ann' }, stamp } as const;
}

export function updateOf(id: string, life: Stamp, stamp: Stamp, fields: JsonObject) {
  return { kind: 'update', id, life, fields, stamp } as const;
}

const IDS = ['m1', 'm2'];
const id = fc.constantFrom(...IDS);
/** Few moments, so that lives and deletes meet. */
const moment = fc.nat(6);
const life = fc
  .tuple(moment, fc.constantFrom('a.1', 'b.1'))
  .map(([ms, origin]) => formatStamp({ ms, counter: 0, origin }));
const fields = fc.record(
  {
    title: fc.constantFrom('x', 'y'),
    priority: fc.integer({ min: 1, max: 10 }),
    expires_at: fc.constantFrom(null, 5, 9),
    memory_kind: fc.constantFrom('claim', 'event'),
  },
  { requiredKeys: [] },
);
const metadata = fc.dictionary(fc.constantFrom('k', '__proto__', 'scope'), fc.constantFrom<null | number>(null, 1, 2), {
  maxKeys: 2,
});
const ends = { source_id: id, target_id: id, relation: fc.constantFrom('related_to', 'supersedes') };
const agent = fc.constantFrom('bob', 'Bob', 'eve');

const body = fc.oneof(
  fc.record({ kind: fc.constant('update'), id, life, fields, metadata }),
  fc.record({ kind: fc.constant('archive'), id, life, reason: fc.constant('r'), expires_at: fc.constantFrom(5, 9) }),
  fc.record({ kind: fc.constant('restore'), id, life }),
  fc.record({ kind: fc.constant('delete'), id }),
  fc.record({
    kind: fc.constant('embedding'),
    id,
    life,
    embedding: fc.record({ model: fc.constant('m'), vector: fc.constant('AAAA'), text: life }),
  }),
  fc.record({ kind: fc.constant('link'), ...ends, detail: fc.constant({}) }),
  fc.record({ kind: fc.constant('unlink'), ...ends }),
  fc.record({
    kind: fc.constant('namespace_set'),
    namespace: fc.constant('n'),
    standard_id: id,
    parent: fc.constantFrom(null, 'p'),
  }),
  fc.record({ kind: fc.constant('namespace_clear'), namespace: fc.constant('n') }),
  fc.record({ kind: fc.constant('vote'), id: fc.constant('p'), agent_id: agent }),
  fc.record({ kind: fc.constant('decide'), id: fc.constant('p'), approved: fc.boolean(), decider: agent }),
  fc.record({ kind: fc.constant('pending_clear'), id: fc.constantFrom('p', 'q') }),
  fc.record({
    kind: fc.constant('pending'),
    id: fc.constantFrom('p', 'q', 'r'),
    pending: fc.record({
      action_type: fc.constant('delete'),
      memory_id: id,
      namespace: fc.constant('n'),
      payload: fc.constant({}),
      requested_by: agent,
      approver: fc.constant('human'),
    }),
  }),
);

/**
 * Operations with stamps that are all different, in the order of one origin each: `store` at the moments that lives name,
 * the others anywhere.
 */
export function operations(max = 30): fc.Arbitrary<Operation[]> {
  const store = fc.tuple(fc.constant('store' as const), id, life, fields);
  const other = fc.tuple(fc.constant('other' as const), body, moment, fc.constantFrom('a.1', 'b.1', 'c.1'));
  return fc
    .array(fc.oneof({ weight: 1, arbitrary: store }, { weight: 4, arbitrary: other }), { maxLength: max })
    .map((list) => {
      const stores = new Map<Stamp, Operation>();
      const others = list.flatMap((item, i) => {
        if (item[0] === 'other')
          return [authored({ ...item[1], stamp: formatStamp({ ms: item[2], counter: i + 1, origin: item[3] }) })];
        const [, memory, stamp, change] = item;
        if (!stores.has(stamp)) stores.set(stamp, authored(storeOf(memory, stamp, change)));
        return [];
      });
      return [...stores.values(), ...others];
    });
}
