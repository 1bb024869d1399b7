/**
 * Which records of two filled sides belong together (R18): by external id, then by the configured natural keys, exactly after
 * normalisation. What fits more than one is listed and left alone; nothing is guessed.
 *
 * Records are given one by one and only their ids and hashes of their keys are kept, about 200 bytes each; values are not.
 */
import { hash } from 'node:crypto';
import type { ObjectMapping } from '../model/mapping.ts';
import type { Document, Side } from '../model/value.ts';

export interface FirstSyncRecord {
  /** Salesforce id, or whatever identifies the row. */
  readonly id: string;
  /** Canonical external id; null: it has none. */
  readonly key: string | null;
  readonly document: Document;
}

export interface MatchedPair {
  readonly salesforce: string;
  readonly postgres: string;
  /** The external id of the pair. Both null: neither side has one, and the pair needs one first. */
  readonly key: string | null;
  /** `external_id`, or the fields of the natural key. */
  readonly by: 'external_id' | readonly string[];
  /** The side whose record must get the external id, because only the other has it. */
  readonly key_missing_on: Side | null;
}

/**
 * Records left alone. `duplicate`: several of a side have this external id · `ambiguous`: several of a side fit a natural key ·
 * `other_external_id`: they fit by a natural key, and each has an external id of its own · `no_external_id`: they fit, and neither
 * has one.
 */
export interface LeftAlone {
  readonly reason: 'duplicate' | 'ambiguous' | 'other_external_id' | 'no_external_id';
  readonly by: 'external_id' | readonly string[];
  readonly salesforce: readonly string[];
  readonly postgres: readonly string[];
}

export interface FirstSyncMatches {
  readonly pairs: readonly MatchedPair[];
  readonly left_alone: readonly LeftAlone[];
  /** Ids of records without a counterpart; those with `key` can be created on the other side. */
  readonly unmatched: Readonly<Record<Side, readonly { readonly id: string; readonly key: string | null }[]>>;
}

interface Known {
  readonly id: string;
  readonly key: string | null;
  /** For each natural key of the mapping; null: a field of it is empty or unknown. */
  readonly natural: readonly (string | null)[];
}

interface Group {
  readonly salesforce: Known[];
  readonly postgres: Known[];
}

export class FirstSyncMatcher {
  readonly #mapping: ObjectMapping;
  readonly #known: Record<Side, Known[]> = { salesforce: [], postgres: [] };

  constructor(mapping: ObjectMapping) {
    this.#mapping = mapping;
  }

  add(side: Side, { id, key, document }: FirstSyncRecord): void {
    const natural = this.#mapping.natural_keys.map((fields) => naturalKey(fields, document));
    this.#known[side].push({ id, key, natural });
  }

  /** In whatever order the records were given, the same pairs. */
  result(): FirstSyncMatches {
    const pairs: MatchedPair[] = [];
    const left_alone: LeftAlone[] = [];
    const settle = (rest: Group, by: MatchedPair['by'], keyOf: (record: Known) => string | null): Group => {
      const next: Group = { salesforce: [], postgres: [] };
      for (const [key, group] of grouped(rest, keyOf)) {
        const outcome = key === null ? null : judge(group, by);
        if (outcome === null) {
          next.salesforce.push(...group.salesforce);
          next.postgres.push(...group.postgres);
        } else if ('reason' in outcome) left_alone.push(outcome);
        else pairs.push(outcome);
      }
      return next;
    };
    let rest = settle(this.#known, 'external_id', ({ key }) => key);
    this.#mapping.natural_keys.forEach((fields, index) => {
      rest = settle(rest, fields, ({ natural }) => natural[index] ?? null);
    });
    const listed = (records: readonly Known[]) => records.map(({ id, key }) => ({ id, key })).sort(byId);
    return {
      pairs: pairs.sort((a, b) => compare(a.salesforce, b.salesforce)),
      left_alone: left_alone.sort((a, b) => compare(firstOf(a), firstOf(b))),
      unmatched: { salesforce: listed(rest.salesforce), postgres: listed(rest.postgres) },
    };
  }
}

/** Hash of these fields as they are compared; null when one of them is empty or unknown. */
export function naturalKey(fields: readonly string[], document: Document): string | null {
  const values = fields.map((field) => normalised(document[field]));
  return values.includes(null) ? null : hash('sha256', JSON.stringify(values), 'hex').slice(0, 32);
}

/** Case, forms of one character and blanks around and between words make no difference. */
function normalised(value: Document[string] | undefined): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return String(value);
  const text = value.normalize('NFKC').toLowerCase().normalize('NFKC').trim().replace(/\s+/g, ' ');
  return text === '' ? null : text;
}

/** What becomes of records with one key; null: nothing, they may fit by another one. */
function judge(group: Group, by: MatchedPair['by']): MatchedPair | LeftAlone | null {
  const { salesforce, postgres } = group;
  const leave = (reason: LeftAlone['reason']): LeftAlone => ({
    reason,
    by,
    salesforce: salesforce.map(({ id }) => id).sort(compare),
    postgres: postgres.map(({ id }) => id).sort(compare),
  });
  const is_external = by === 'external_id';
  const [one, another] = [salesforce[0], postgres[0]];
  const several = salesforce.length > 1 || postgres.length > 1;
  // Several with one external id can be paired by nothing; several with one natural key only when another wants them.
  if (is_external && several) return leave('duplicate');
  if (one === undefined || another === undefined) return null;
  if (several) return leave('ambiguous');
  if (is_external) return { salesforce: one.id, postgres: another.id, key: one.key, by, key_missing_on: null };
  if (one.key !== null && another.key !== null) return leave('other_external_id');
  if (one.key === null && another.key === null) return leave('no_external_id');
  const key_missing_on = one.key === null ? 'salesforce' : 'postgres';
  return { salesforce: one.id, postgres: another.id, key: one.key ?? another.key, by, key_missing_on };
}

function grouped(records: Group, keyOf: (record: Known) => string | null): Map<string | null, Group> {
  const groups = new Map<string | null, Group>();
  for (const side of ['salesforce', 'postgres'] as const)
    for (const record of records[side]) {
      const key = keyOf(record);
      const group = groups.get(key) ?? { salesforce: [], postgres: [] };
      group[side].push(record);
      groups.set(key, group);
    }
  return groups;
}

function firstOf({ salesforce, postgres }: LeftAlone): string {
  return salesforce[0] ?? postgres[0] ?? '';
}

function byId(a: { id: string }, b: { id: string }): number {
  return compare(a.id, b.id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
