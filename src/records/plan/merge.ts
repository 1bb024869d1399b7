/** Three-way merge of one field: who changed it since both sides agreed, and whose word counts (README, table "Merge"). */
import type { FieldMapping, ObjectMapping } from '../model/mapping.ts';
import type { Side, Value } from '../model/value.ts';

/** A field that both sides changed, and that no rule decides. `base` undefined: they never agreed on it. */
export interface FieldConflict {
  readonly field: string;
  readonly base: Value | undefined;
  readonly salesforce: Value;
  readonly postgres: Value;
}

/**
 * Decides a `shared` field under policy `custom`: the value that both sides are to have, or null to leave it to a person.
 * Must be pure: it may be asked again for the same conflict.
 */
export type CustomPolicy = (conflict: FieldConflict, mapping: ObjectMapping) => { readonly value: Value } | null;

/** When each side last changed the record, by its own clock; null: unknown. */
export type ModifiedTimes = Readonly<Record<Side, number | null>>;

export interface FieldVersions {
  readonly base: Value | undefined;
  readonly salesforce: Value;
  readonly postgres: Value;
}

export interface MergeRules {
  readonly mapping: ObjectMapping;
  readonly modified: ModifiedTimes;
  readonly custom: CustomPolicy | null;
}

/**
 * Why a value is taken. `changed`: only one side changed it · `owner`, `policy`: both did · `put_back`: the target of a
 * one-way field was changed · `resolution`: a person took it · `revert`: a person asked for a former value.
 */
export type Why = 'changed' | 'owner' | 'policy' | 'put_back' | 'resolution' | 'revert';

/** `agreed`: both sides have it · `take`: the value that both are to have. */
export type FieldOutcome =
  | { readonly kind: 'agreed'; readonly value: Value }
  | { readonly kind: 'take'; readonly value: Value; readonly why: Why }
  | { readonly kind: 'conflict'; readonly conflict: FieldConflict };

/** `resolution`: the value that a person took for this field, undefined if none did; it counts only while the sides differ. */
export function mergeField(
  field: FieldMapping,
  versions: FieldVersions,
  resolution: Value | undefined,
  rules: MergeRules,
): FieldOutcome {
  const { base, salesforce, postgres } = versions;
  if (salesforce === postgres) return { kind: 'agreed', value: salesforce };
  const source = sourceOf(field);
  if (source !== null) return fromSource(source, versions);
  if (resolution !== undefined) return { kind: 'take', value: resolution, why: 'resolution' };
  if (salesforce === base) return { kind: 'take', value: postgres, why: 'changed' };
  if (postgres === base) return { kind: 'take', value: salesforce, why: 'changed' };
  if (field.owner !== 'shared') return { kind: 'take', value: versions[field.owner], why: 'owner' };
  return byPolicy({ field: field.name, base, salesforce, postgres }, rules);
}

/** The side that a one-way field comes from; null: it goes both ways. */
export function sourceOf({ direction }: Pick<FieldMapping, 'direction'>): Side | null {
  if (direction === 'both') return null;
  return direction === 'salesforce_to_postgres' ? 'salesforce' : 'postgres';
}

/** Whether a change on this side goes to the other one. */
export function flowsFrom(mapping: Pick<FieldMapping, 'direction'>, side: Side): boolean {
  return (sourceOf(mapping) ?? side) === side;
}

export function otherSide(side: Side): Side {
  return side === 'salesforce' ? 'postgres' : 'salesforce';
}

/** The side whose change came later; null when that cannot be told. */
export function newerSide({ salesforce, postgres }: ModifiedTimes): Side | null {
  if (salesforce === null || postgres === null || salesforce === postgres) return null;
  return salesforce > postgres ? 'salesforce' : 'postgres';
}

function fromSource(source: Side, versions: FieldVersions): FieldOutcome {
  const target = versions[otherSide(source)];
  const why = versions.base === undefined ? 'owner' : target === versions.base ? 'changed' : 'put_back';
  return { kind: 'take', value: versions[source], why };
}

function byPolicy(conflict: FieldConflict, { mapping, modified, custom }: MergeRules): FieldOutcome {
  const open: FieldOutcome = { kind: 'conflict', conflict };
  const take = (side: Side | null): FieldOutcome =>
    side === null ? open : { kind: 'take', value: conflict[side], why: 'policy' };
  switch (mapping.policy) {
    case 'manual':
      return open;
    case 'salesforce_wins':
      return take('salesforce');
    case 'postgres_wins':
      return take('postgres');
    case 'newest_wins':
      return take(newerSide(modified));
    case 'custom': {
      const decided = custom?.(conflict, mapping) ?? null;
      return decided === null ? open : { kind: 'take', value: decided.value, why: 'policy' };
    }
  }
}
