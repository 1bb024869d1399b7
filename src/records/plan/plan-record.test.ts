import { describe, expect, it, test } from 'vitest';
import { fieldOf, mappingOf } from '../model/generated.contract.ts';
import type { ConflictPolicy, Direction, ObjectMapping } from '../model/mapping.ts';
import type { Document, Side } from '../model/value.ts';
import type { Agreement, PairInput, SideState } from './pair.ts';
import { afterWrites, isNothing, planRecord } from './plan-record.ts';

const both = ['name', 'phone'].map((name) => fieldOf('text', { name }));
const mapping = mappingOf(both);
const BOTH = { salesforce: 'present', postgres: 'present' } as const;
const NEITHER = { salesforce: 'absent', postgres: 'absent' } as const;

const has = (document: Document, modified_ms: number | null = null): SideState => ({
  presence: 'present',
  document,
  modified_ms,
});
const gone = (modified_ms: number | null = null): SideState => ({ presence: 'absent', modified_ms });
const paired = (base: Document): Agreement => ({ base, had: BOTH });

function plan(given: Partial<PairInput>, changes: Partial<ObjectMapping> = {}) {
  return planRecord({
    mapping: { ...mapping, ...changes },
    link: null,
    salesforce: gone(),
    postgres: gone(),
    ...given,
  });
}

describe('changes of fields', () => {
  const base = { name: 'A', phone: '1' };

  it('a second change of a field by the same side is no conflict (W1)', () => {
    const first = plan({ link: paired(base), salesforce: has(base), postgres: has({ name: 'B', phone: '1' }) });
    expect(first.salesforce).toEqual({ operation: 'update', fields: { name: 'B' }, before: { name: 'A' } });
    const after = has({ name: 'B', phone: '1' });
    const second = plan({ link: first.next, salesforce: after, postgres: has({ name: 'C', phone: '1' }) });
    expect(second.salesforce?.fields).toEqual({ name: 'C' });
    expect(second.conflicts).toEqual([]);
  });

  it('each side gets only what the other changed', () => {
    const merged = plan({
      link: paired(base),
      salesforce: has({ name: 'S', phone: '1' }),
      postgres: has({ name: 'A', phone: '2' }),
    });
    expect(merged.salesforce).toEqual({ operation: 'update', fields: { phone: '2' }, before: { phone: '1' } });
    expect(merged.postgres).toEqual({ operation: 'update', fields: { name: 'S' }, before: { name: 'A' } });
    expect(merged.next).toEqual(paired({ name: 'S', phone: '2' }));
  });

  it('a field in conflict stays as it is on both sides, the others go on (R5)', () => {
    const merged = plan({
      link: paired(base),
      salesforce: has({ name: 'S', phone: '3' }),
      postgres: has({ name: 'P', phone: '1' }),
    });
    expect(merged.salesforce).toBeNull();
    expect(merged.postgres?.fields).toEqual({ phone: '3' });
    expect(merged.conflicts).toEqual([{ field: 'name', base: 'A', salesforce: 'S', postgres: 'P' }]);
    expect(merged.next.base).toEqual({ name: 'A', phone: '3' });
  });

  it('several conflicts are all told, and a resolution settles its own', () => {
    const sides = {
      link: paired(base),
      salesforce: has({ name: 'S', phone: '2' }),
      postgres: has({ name: 'P', phone: '3' }),
    };
    expect(plan(sides).conflicts.map(({ field }) => field)).toEqual(['name', 'phone']);
    const resolved = plan({ ...sides, resolutions: { fields: { name: 'R' }, record: null } });
    expect(resolved.salesforce?.fields).toEqual({ name: 'R' });
    expect(resolved.postgres?.fields).toEqual({ name: 'R' });
    expect(resolved.conflicts.map(({ field }) => field)).toEqual(['phone']);
  });

  it('sides that are equal need nothing, and become the base', () => {
    const found = plan({ salesforce: has(base), postgres: has(base) });
    expect(isNothing(found)).toBe(true);
    expect(found.next).toEqual(paired(base));
  });

  it('a field that a side does not tell or cannot be read is left alone', () => {
    const problem = { field: 'name', code: 'too_long', message: 'name is longer than Salesforce takes' };
    const merged = plan({
      link: paired(base),
      salesforce: has({ name: 'S' }),
      postgres: { presence: 'present', document: { phone: '2' }, modified_ms: null, problems: [problem] },
    });
    expect(isNothing(merged)).toBe(true);
    expect(merged.skipped).toEqual([
      { field: 'name', reason: 'unreadable', problem },
      { field: 'phone', reason: 'not_told', problem: null },
    ]);
    expect(merged.next.base).toEqual(base);
  });

  it('a value that the other side cannot keep is skipped with its reason, and stays a difference', () => {
    const short = mappingOf([fieldOf('text', { name: 'name', length: 3 })]);
    const merged = plan(
      { link: paired({ name: 'A' }), salesforce: has({ name: 'A' }), postgres: has({ name: 'long' }) },
      short,
    );
    expect(merged.salesforce).toBeNull();
    expect(merged.skipped).toMatchObject([{ field: 'name', reason: 'unwritable', problem: { code: 'too_long' } }]);
    expect(merged.next.base).toEqual({ name: 'A' });

    const column = plan({
      link: paired(base),
      salesforce: has({ name: 'S', phone: '1' }),
      postgres: has(base),
      checkPostgres: ({ name }) => ({ field: name, code: 'out_of_range', message: 'x' }),
    });
    expect(column.postgres).toBeNull();
    expect(column.skipped).toMatchObject([{ field: 'name', problem: { code: 'out_of_range' } }]);
  });

  it('an edit in Salesforce that our write replaced meets the other edit in the merge', () => {
    // base A; PostgreSQL set P, we wrote P; only then the event came that said Salesforce had S before our write.
    const sides = {
      link: paired({ name: 'P', phone: '1' }),
      salesforce: has({ name: 'P', phone: '1' }),
      postgres: has({ name: 'P', phone: '1' }),
      overwritten: { name: { base: 'A', salesforce: 'S' } },
    };
    expect(plan(sides).conflicts).toEqual([{ field: 'name', base: 'A', salesforce: 'S', postgres: 'P' }]);
    const won = plan(sides, { policy: 'salesforce_wins' });
    expect([won.salesforce?.fields, won.postgres?.fields]).toEqual([{ name: 'S' }, { name: 'S' }]);
    expect(isNothing(plan(sides, { policy: 'postgres_wins' }))).toBe(true);
    // Salesforce changed it again, after our write: that edit counts.
    const later = plan({ ...sides, salesforce: has({ name: 'T', phone: '1' }) });
    expect([later.conflicts, later.postgres?.fields]).toEqual([[], { name: 'T' }]);
  });

  it('a revert is written on both sides, but not against the source of a one-way field', () => {
    const now = has({ name: 'B', phone: '2' });
    const reverted = plan({
      link: paired({ name: 'B', phone: '2' }),
      salesforce: now,
      postgres: now,
      wanted: { name: 'A' },
    });
    expect([reverted.salesforce?.fields, reverted.postgres?.fields]).toEqual([{ name: 'A' }, { name: 'A' }]);
    const one_way = mappingOf([fieldOf('text', { name: 'name', direction: 'salesforce_to_postgres' })]);
    const refused = plan(
      { link: paired({ name: 'B' }), salesforce: now, postgres: now, wanted: { name: 'A' } },
      one_way,
    );
    expect(isNothing(refused)).toBe(true);
    expect(refused.skipped).toEqual([{ field: 'name', reason: 'no_revert', problem: null }]);
  });
});

describe('creates', () => {
  it('a record of one side only is created on the other, nulls included', () => {
    const document = { name: 'A', phone: null };
    const to_postgres = plan({ salesforce: has(document) });
    expect(to_postgres.postgres).toEqual({ operation: 'insert', fields: document, before: {} });
    expect(to_postgres.next).toEqual(paired(document));
    const to_salesforce = plan({ postgres: has(document) });
    expect(to_salesforce.salesforce).toEqual({ operation: 'upsert', fields: document, before: {} });
  });

  it.each<[Direction, Side]>([
    ['salesforce_to_postgres', 'postgres'],
    ['postgres_to_salesforce', 'salesforce'],
  ])('%s: what only %s has stays there', (direction, target) => {
    const one_way = mappingOf(
      both.map((field) => ({ ...field, direction })),
      { direction },
    );
    const found = plan({ [target]: has({ name: 'A' }) }, one_way);
    expect(isNothing(found)).toBe(true);
    expect(found.skipped).toEqual([{ field: null, reason: 'one_way', problem: null }]);
  });

  it('leaves out fields that do not go that way, and what cannot be written', () => {
    const mixed = mappingOf([
      fieldOf('text', { name: 'name', length: 2 }),
      fieldOf('text', { name: 'number', direction: 'salesforce_to_postgres' }),
    ]);
    const found = plan({ postgres: has({ name: 'long', number: '7' }) }, mixed);
    expect(found.salesforce?.fields).toEqual({});
    expect(found.skipped).toMatchObject([{ field: 'name', reason: 'unwritable' }]);
  });
});

describe('deletes', () => {
  const base = { name: 'A', phone: '1' };
  const changed = { name: 'B', phone: '1' };

  it('a delete after an upsert is carried over (W2)', () => {
    const created = plan({ postgres: has(base) });
    const in_postgres = plan({ link: created.next, salesforce: has(base), postgres: gone() });
    expect(in_postgres.salesforce).toEqual({ operation: 'delete', fields: {}, before: base });
    expect(in_postgres.next).toEqual({ base: {}, had: NEITHER });
    const in_salesforce = plan({ link: created.next, salesforce: gone(), postgres: has(base) });
    expect(in_salesforce.postgres?.operation).toBe('delete');
  });

  it('what both deleted is agreed', () => {
    expect(plan({ link: paired(base) }).next).toEqual({ base: {}, had: NEITHER });
  });

  it('never follows from a side that is unknown (R6)', () => {
    const unknown: SideState = { presence: 'unknown' };
    for (const sides of [
      { salesforce: unknown, postgres: gone() },
      { salesforce: gone(), postgres: unknown },
      { salesforce: unknown, postgres: has(changed) },
    ]) {
      const found = plan({ link: paired(base), ...sides });
      expect(isNothing(found)).toBe(true);
      expect(found.skipped).toEqual([{ field: null, reason: 'unknown', problem: null }]);
      expect(found.next).toEqual(paired(base));
    }
    const never_sure = plan({
      link: { base, had: { salesforce: 'present', postgres: 'unknown' } },
      salesforce: has(base),
      postgres: gone(),
    });
    expect(never_sure.postgres?.operation).toBe('insert');
  });

  it('a record deleted on both sides and made again is created on the other', () => {
    const tombstone: Agreement = { base: {}, had: NEITHER };
    expect(plan({ link: tombstone, salesforce: has(changed) }).postgres?.operation).toBe('insert');
    expect(plan({ link: tombstone, postgres: has(changed) }).salesforce?.operation).toBe('upsert');
  });

  it('an undelete in Salesforce brings the row back', () => {
    const deleted = plan({ link: paired(base), salesforce: gone(), postgres: has(base) });
    const back = plan({ link: deleted.next, salesforce: has(base), postgres: gone() });
    expect(back.postgres).toMatchObject({ operation: 'insert', fields: base });
  });

  test.each<[ConflictPolicy, Side, number, number, string]>([
    ['manual', 'salesforce', 1, 2, 'conflict'],
    ['custom', 'postgres', 1, 2, 'conflict'],
    ['salesforce_wins', 'salesforce', 1, 2, 'delete'],
    ['salesforce_wins', 'postgres', 1, 2, 'create'],
    ['postgres_wins', 'salesforce', 1, 2, 'create'],
    ['postgres_wins', 'postgres', 1, 2, 'delete'],
    ['newest_wins', 'salesforce', 2, 1, 'delete'],
    ['newest_wins', 'salesforce', 1, 2, 'create'],
    ['newest_wins', 'postgres', 1, 2, 'delete'],
    ['newest_wins', 'postgres', 2, 1, 'create'],
    ['newest_wins', 'postgres', 2, 2, 'conflict'],
  ])('against a change, %s, deleted in %s at %i and %i: %s', (policy, deleted_on, salesforce_ms, postgres_ms, kind) => {
    const sides =
      deleted_on === 'salesforce'
        ? { salesforce: gone(salesforce_ms), postgres: has(changed, postgres_ms) }
        : { salesforce: has(changed, salesforce_ms), postgres: gone(postgres_ms) };
    const found = plan({ link: paired(base), ...sides }, { policy });
    expect(found.existence).toBe(kind);
    expect(found.delete_conflict).toEqual(kind === 'conflict' ? { deleted_on, changed: ['name'] } : null);
    if (kind === 'conflict') expect([isNothing(found), found.next]).toEqual([true, paired(base)]);
    if (kind === 'create') expect(found[deleted_on]?.fields).toEqual(changed);
  });

  it('a person decides whose presence counts', () => {
    const sides = { link: paired(base), salesforce: gone(), postgres: has(changed) };
    const take = (record: Side) => plan({ ...sides, resolutions: { fields: {}, record } });
    expect(take('salesforce').postgres?.operation).toBe('delete');
    expect(take('postgres').salesforce?.operation).toBe('upsert');
  });

  it('a field that was never agreed on, or can be read no more, counts as changed', () => {
    const never = plan({ link: paired({ name: 'A' }), salesforce: gone(), postgres: has({ name: 'A', phone: '1' }) });
    expect(never.delete_conflict).toEqual({ deleted_on: 'salesforce', changed: ['phone'] });
    const empty = plan({ link: paired({ name: 'A' }), salesforce: gone(), postgres: has({ name: 'A', phone: null }) });
    expect(empty.postgres?.operation).toBe('delete');
    const unreadable = plan({ link: paired(base), salesforce: gone(), postgres: has({ name: 'A' }) });
    expect(unreadable.delete_conflict?.changed).toEqual(['phone']);
  });

  it('ignored deletes leave the other record, also later', () => {
    const found = plan({ link: paired(base), salesforce: gone(), postgres: has(changed) }, { deletes: 'ignore' });
    expect(isNothing(found)).toBe(true);
    expect(found.next).toEqual({ base: {}, had: { salesforce: 'absent', postgres: 'present' } });
    const later = plan({ link: found.next, salesforce: gone(), postgres: has(base) }, { deletes: 'ignore' });
    expect([isNothing(later), later.next]).toEqual([true, found.next]);
    const again = plan({ link: found.next, salesforce: has(base), postgres: has(base) }, { deletes: 'ignore' });
    expect(again.next).toEqual(paired(base));
  });

  it.each<[Direction, Side, Side]>([
    ['salesforce_to_postgres', 'salesforce', 'postgres'],
    ['postgres_to_salesforce', 'postgres', 'salesforce'],
  ])(
    '%s: a delete at the target is put back, one at the source is carried over in spite of drift',
    (direction, source, target) => {
      const one_way = mappingOf(
        both.map((field) => ({ ...field, direction })),
        { direction },
      );
      const at_target = plan({ link: paired(base), [source]: has(base), [target]: gone() }, one_way);
      expect(at_target[target]?.fields).toEqual(base);
      expect(at_target.fields.map(({ why }) => why)).toEqual(['put_back', 'put_back']);
      const at_source = plan({ link: paired(base), [source]: gone(), [target]: has(changed) }, one_way);
      expect(at_source[target]?.operation).toBe('delete');
    },
  );
});

describe('after the writes', () => {
  const base = { name: 'A', phone: '1' };
  const sides = {
    link: paired(base),
    salesforce: has({ name: 'S', phone: '1' }),
    postgres: has({ name: 'A', phone: '2' }),
  };

  it('a side that failed keeps its difference', () => {
    const made = plan(sides);
    expect(afterWrites(made, { salesforce: true, postgres: true }).base).toEqual({ name: 'S', phone: '2' });
    expect(afterWrites(made, { salesforce: false, postgres: true }).base).toEqual({ name: 'S', phone: '1' });
    expect(afterWrites(made, { salesforce: true, postgres: false }).base).toEqual({ name: 'A', phone: '2' });
    expect(afterWrites(made, { salesforce: false, postgres: false }).base).toEqual(base);
  });

  it('a decision that one side took is carried on, not made anew', () => {
    const conflict = { ...sides, postgres: has({ name: 'P', phone: '1' }) };
    const made = plan({ ...conflict, resolutions: { fields: { name: 'R' }, record: null } });
    const link = afterWrites(made, { salesforce: false, postgres: true });
    const next = plan({ link, salesforce: conflict.salesforce, postgres: has({ name: 'R', phone: '1' }) });
    expect([next.salesforce?.fields, next.conflicts]).toEqual([{ name: 'R' }, []]);
  });

  it('a create or delete that failed leaves what was agreed before', () => {
    const create = plan({ salesforce: has(base) });
    expect(afterWrites(create, { salesforce: true, postgres: false })).toEqual({ base: {}, had: NEITHER });
    const remove = plan({ link: paired(base), salesforce: gone(), postgres: has(base) });
    expect(afterWrites(remove, { salesforce: true, postgres: false })).toEqual(paired(base));
  });

  it('the base of a field that is not mapped any more is forgotten', () => {
    const found = plan({ link: paired({ ...base, old: 'x' }), salesforce: has(base), postgres: has(base) });
    expect(found.next.base).toEqual(base);
  });
});
