/** Laws of the plan over random mappings, histories and failures. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fieldOf, mappingOf } from '../model/generated.contract.ts';
import type { ConflictPolicy, Direction, ObjectMapping, Owner } from '../model/mapping.ts';
import type { Document, Side, Value } from '../model/value.ts';
import type { Agreement, PairInput, SideState } from './pair.ts';
import { afterWrites, isNothing, planRecord, type RecordPlan, type WriteOutcome } from './plan-record.ts';

const NAMES = ['a', 'b', 'c'];
const value: fc.Arbitrary<Value> = fc.constantFrom('x', 'y', 'z', null);
const document: fc.Arbitrary<Document> = fc.record({ a: value, b: value, c: value });
const direction = fc.constantFrom<Direction>('both', 'both', 'salesforce_to_postgres', 'postgres_to_salesforce');
const owner = fc.constantFrom<Owner>('shared', 'shared', 'salesforce', 'postgres');
const policy = fc.constantFrom<ConflictPolicy>(
  'manual',
  'manual',
  'salesforce_wins',
  'postgres_wins',
  'newest_wins',
  'custom',
);
const presence = fc.constantFrom<'present' | 'absent' | 'unknown'>('present', 'present', 'absent', 'unknown');

const mapping: fc.Arbitrary<ObjectMapping> = fc
  .record({
    direction,
    policy,
    deletes: fc.constantFrom('propagate', 'propagate', 'ignore'),
    fields: fc.array(fc.record({ direction, owner }), { minLength: 3, maxLength: 3 }),
  })
  .map(({ direction: whole, policy: chosen, deletes, fields }) =>
    mappingOf(
      NAMES.map((name, index) =>
        fieldOf('text', {
          name,
          owner: fields[index]?.owner ?? 'shared',
          direction: whole === 'both' ? (fields[index]?.direction ?? 'both') : whole,
        }),
      ),
      { direction: whole, policy: chosen, deletes },
    ),
  );

const state: fc.Arbitrary<SideState> = fc
  .record({ presence, document, modified_ms: fc.option(fc.nat(2)) })
  .map(({ presence: has, document: fields, modified_ms }) => {
    if (has === 'unknown') return { presence: has };
    return has === 'absent' ? { presence: has, modified_ms } : { presence: 'present', document: fields, modified_ms };
  });

const agreement: fc.Arbitrary<Agreement | null> = fc.option(
  fc.oneof(
    fc
      .record({ a: value, b: value, c: value }, { requiredKeys: ['a'] })
      .map((base) => ({ base, had: { salesforce: 'present', postgres: 'present' } as const })),
    fc.record({ salesforce: presence, postgres: presence }).map((had): Agreement => ({ base: {}, had })),
  ),
  { freq: 6 },
);

const input: fc.Arbitrary<PairInput> = fc
  .record({
    mapping,
    link: agreement,
    salesforce: state,
    postgres: state,
    taken: fc.option(fc.record({ a: value }, { requiredKeys: [] }), { freq: 1 }),
    record: fc.option(fc.constantFrom<Side>('salesforce', 'postgres')),
  })
  .map(({ taken, record, ...rest }) => ({
    ...rest,
    resolutions: { fields: taken ?? {}, record },
    custom: ({ salesforce, postgres }) => (salesforce === null || postgres === null ? { value: 'merged' } : null),
  }));

const RUNS = { numRuns: 3_000 };

/** Both sides after the writes that succeeded. */
function written(given: PairInput, plan: RecordPlan, succeeded: WriteOutcome): PairInput {
  const apply = (side: Side): SideState => {
    const write = succeeded[side] ? plan[side] : null;
    const now = given[side];
    if (write === null) return now;
    if (write.operation === 'delete') return { presence: 'absent', modified_ms: null };
    // Our own writes are nobody's change: they do not move the time.
    const modified_ms = now.presence === 'present' ? now.modified_ms : null;
    return { presence: 'present', document: { ...documentOf(now), ...write.fields }, modified_ms };
  };
  return { ...given, link: afterWrites(plan, succeeded), salesforce: apply('salesforce'), postgres: apply('postgres') };
}

function documentOf(now: SideState): Document {
  return now.presence === 'present' ? now.document : {};
}

const ALL = { salesforce: true, postgres: true };

it('(a) planning again after the writes finds nothing to do', () => {
  fc.assert(
    fc.property(input, (given) => {
      const plan = planRecord(given);
      const again = planRecord(written(given, plan, ALL));
      expect(isNothing(again)).toBe(true);
      expect(again.conflicts).toEqual(plan.conflicts);
      expect(again.delete_conflict).toEqual(plan.delete_conflict);
      expect(again.next).toEqual(plan.next);
    }),
    RUNS,
  );
});

it('(a) after any failures it comes to the same state as without them', () => {
  const outcome = fc.record({ salesforce: fc.boolean(), postgres: fc.boolean() });
  fc.assert(
    fc.property(input, outcome, (given, succeeded) => {
      const plan = planRecord(given);
      const expected = written(given, plan, ALL);
      const halfway = written(given, plan, succeeded);
      const after = written(halfway, planRecord(halfway), ALL);
      expect([after.salesforce, after.postgres].map(stripped)).toEqual(
        [expected.salesforce, expected.postgres].map(stripped),
      );
      expect(after.link).toEqual(expected.link);
    }),
    RUNS,
  );
});

it('(b) is the same with the sides swapped', () => {
  fc.assert(
    fc.property(input, (given) => {
      const swapped = planRecord(mirrored(given));
      const plan = planRecord(given);
      const operation = (name: string | undefined) => (name === 'upsert' ? 'insert' : name);
      for (const [side, other] of [
        ['salesforce', 'postgres'],
        ['postgres', 'salesforce'],
      ] as const) {
        expect(operation(swapped[other]?.operation)).toBe(operation(plan[side]?.operation));
        expect(swapped[other]?.fields).toEqual(plan[side]?.fields);
      }
      expect(swapped.next.base).toEqual(plan.next.base);
      expect(swapped.conflicts.map(({ field }) => field)).toEqual(plan.conflicts.map(({ field }) => field));
    }),
    RUNS,
  );
});

it('(c) a field that nobody changed is not written, and no value comes from nowhere', () => {
  fc.assert(
    fc.property(input, (given) => {
      const plan = planRecord(given);
      for (const { field, writes, now, value: taken } of plan.fields) {
        for (const side of ['salesforce', 'postgres'] as const) if (writes[side]) expect(now[side]).not.toBe(taken);
        if (plan.existence !== 'merge') continue;
        const same = [now.salesforce, now.postgres].every((one) => one === given.link?.base[field]);
        expect(same).toBe(false);
        const known = [now.salesforce, now.postgres, given.resolutions?.fields[field], 'merged'];
        expect(known).toContain(taken);
      }
    }),
    RUNS,
  );
});

it('(d) a field in conflict is written nowhere, and every other field that differs is', () => {
  fc.assert(
    fc.property(input, (given) => {
      const plan = planRecord(given);
      if (plan.existence !== 'merge') return;
      const conflicting = new Set(plan.conflicts.map(({ field }) => field));
      const after = written(given, plan, ALL);
      for (const name of NAMES) {
        const before = [documentOf(given.salesforce)[name], documentOf(given.postgres)[name]];
        const now = [documentOf(after.salesforce)[name], documentOf(after.postgres)[name]];
        if (conflicting.has(name)) expect(now).toEqual(before);
        else expect(now[0]).toBe(now[1]);
      }
    }),
    RUNS,
  );
});

it('(e) one-way fields and records are never written at their source', () => {
  fc.assert(
    fc.property(input, (given) => {
      const plan = planRecord(given);
      const source = { salesforce: 'salesforce_to_postgres', postgres: 'postgres_to_salesforce' } as const;
      for (const side of ['salesforce', 'postgres'] as const) {
        if (given.mapping.direction === source[side]) expect(plan[side]).toBeNull();
        for (const name of Object.keys(plan[side]?.fields ?? {}))
          expect(given.mapping.fields.find((field) => field.name === name)?.direction).not.toBe(source[side]);
      }
    }),
    RUNS,
  );
});

it('(f) nothing is written while a side is unknown, and nothing is deleted that was not on both sides', () => {
  fc.assert(
    fc.property(input, (given) => {
      const plan = planRecord(given);
      const unknown = given.salesforce.presence === 'unknown' || given.postgres.presence === 'unknown';
      if (unknown) expect(isNothing(plan)).toBe(true);
      const deletes = plan.salesforce?.operation === 'delete' || plan.postgres?.operation === 'delete';
      if (deletes) expect(given.link?.had).toEqual({ salesforce: 'present', postgres: 'present' });
    }),
    RUNS,
  );
});

function stripped(now: SideState): unknown {
  return now.presence === 'present' ? now.document : now.presence;
}

function mirrored(given: PairInput): PairInput {
  const direction_of: Record<Direction, Direction> = {
    both: 'both',
    salesforce_to_postgres: 'postgres_to_salesforce',
    postgres_to_salesforce: 'salesforce_to_postgres',
  };
  const side_of: Record<Owner, Owner> = { salesforce: 'postgres', postgres: 'salesforce', shared: 'shared' };
  const policy_of: Partial<Record<ConflictPolicy, ConflictPolicy>> = {
    salesforce_wins: 'postgres_wins',
    postgres_wins: 'salesforce_wins',
  };
  const { mapping: given_mapping, link, resolutions } = given;
  const record = resolutions?.record ?? null;
  return {
    ...given,
    mapping: {
      ...given_mapping,
      direction: direction_of[given_mapping.direction],
      policy: policy_of[given_mapping.policy] ?? given_mapping.policy,
      fields: given_mapping.fields.map((field) => ({
        ...field,
        direction: direction_of[field.direction],
        owner: side_of[field.owner],
      })),
    },
    link: link && { base: link.base, had: { salesforce: link.had.postgres, postgres: link.had.salesforce } },
    salesforce: given.postgres,
    postgres: given.salesforce,
    resolutions: {
      fields: resolutions?.fields ?? {},
      record: record === null ? null : record === 'salesforce' ? 'postgres' : 'salesforce',
    },
  };
}
