import { describe, expect, it, test } from 'vitest';
import { fieldOf, mappingOf } from '../model/generated.contract.ts';
import type { ConflictPolicy, Direction, Owner } from '../model/mapping.ts';
import type { Value } from '../model/value.ts';
import { mergeField, type CustomPolicy, type ModifiedTimes } from './merge.ts';

interface Given {
  owner?: Owner;
  direction?: Direction;
  policy?: ConflictPolicy;
  modified?: ModifiedTimes;
  custom?: CustomPolicy;
  resolution?: Value;
}

const TIMES = { salesforce: null, postgres: null };

function merge(base: Value | undefined, salesforce: Value, postgres: Value, given: Given = {}) {
  const field = fieldOf('text', { owner: given.owner ?? 'shared', direction: given.direction ?? 'both' });
  const mapping = mappingOf([field], { policy: given.policy ?? 'manual' });
  const rules = { mapping, modified: given.modified ?? TIMES, custom: given.custom ?? null };
  const outcome = mergeField(field, { base, salesforce, postgres }, given.resolution, rules);
  return outcome.kind === 'take' ? `${outcome.value} (${outcome.why})` : outcome.kind;
}

describe('the merge table', () => {
  test.each<[string, Value | undefined, Value, Value, Given, string]>([
    ['same, same', 'x', 'x', 'x', {}, 'agreed'],
    ['changed, same', 'x', 's', 'x', {}, 's (changed)'],
    ['same, changed', 'x', 'x', 'p', {}, 'p (changed)'],
    ['changed to null, same', 'x', null, 'x', {}, 'null (changed)'],
    ['same, changed from null', null, null, 'p', {}, 'p (changed)'],
    ['changed, changed, equal', 'x', 'y', 'y', {}, 'agreed'],
    ['changed, changed, unequal: shared and manual', 'x', 's', 'p', {}, 'conflict'],
    ['… owner Salesforce', 'x', 's', 'p', { owner: 'salesforce' }, 's (owner)'],
    ['… owner PostgreSQL', 'x', 's', 'p', { owner: 'postgres' }, 'p (owner)'],
    [
      '… the owner counts before the policy',
      'x',
      's',
      'p',
      { owner: 'postgres', policy: 'salesforce_wins' },
      'p (owner)',
    ],
    ['… Salesforce wins', 'x', 's', 'p', { policy: 'salesforce_wins' }, 's (policy)'],
    ['… PostgreSQL wins', 'x', 's', 'p', { policy: 'postgres_wins' }, 'p (policy)'],
    ['the owner does not keep the other side from changing it', 'x', 'x', 'p', { owner: 'salesforce' }, 'p (changed)'],
    ['no base, equal', undefined, 'y', 'y', {}, 'agreed'],
    ['no base, unequal: shared', undefined, 's', 'p', {}, 'conflict'],
    ['no base, unequal: owner', undefined, 's', 'p', { owner: 'salesforce' }, 's (owner)'],
    ['no base, one side null: not guessed', undefined, 's', null, {}, 'conflict'],
    ['a person took a value', 'x', 's', 'p', { resolution: 'r' }, 'r (resolution)'],
    ['a person took nothing, on purpose', 'x', 's', 'p', { resolution: null }, 'null (resolution)'],
    ['… and the sides agreed meanwhile', 'x', 'y', 'y', { resolution: 'r' }, 'agreed'],
  ])('%s', (_, base, salesforce, postgres, given, expected) => {
    expect(merge(base, salesforce, postgres, given)).toBe(expected);
  });
});

describe('one-way fields', () => {
  test.each<[Direction, Value | undefined, Value, Value, string]>([
    ['salesforce_to_postgres', 'x', 's', 'x', 's (changed)'],
    ['salesforce_to_postgres', 'x', 'x', 'p', 'x (put_back)'],
    ['salesforce_to_postgres', 'x', 's', 'p', 's (put_back)'],
    ['salesforce_to_postgres', undefined, 's', 'p', 's (owner)'],
    ['postgres_to_salesforce', 'x', 'x', 'p', 'p (changed)'],
    ['postgres_to_salesforce', 'x', 's', 'x', 'x (put_back)'],
    ['postgres_to_salesforce', 'x', 's', 'p', 'p (put_back)'],
    ['postgres_to_salesforce', 'x', 'y', 'y', 'agreed'],
  ])('%s: %s, %s, %s', (direction, base, salesforce, postgres, expected) => {
    expect(merge(base, salesforce, postgres, { direction })).toBe(expected);
    expect(merge(base, salesforce, postgres, { direction, resolution: 'r', owner: 'postgres' })).toBe(expected);
  });
});

describe('newest_wins', () => {
  const newest = (salesforce: number | null, postgres: number | null) =>
    merge('x', 's', 'p', { policy: 'newest_wins', modified: { salesforce, postgres } });

  it('takes the later change, and leaves a tie or an unknown time to a person', () => {
    expect(newest(2, 1)).toBe('s (policy)');
    expect(newest(1, 2)).toBe('p (policy)');
    expect([newest(1, 1), newest(null, 1), newest(1, null)]).toEqual(['conflict', 'conflict', 'conflict']);
  });
});

describe('custom', () => {
  it('takes what the function says, and leaves to a person what it does not decide', () => {
    const longest: CustomPolicy = ({ salesforce, postgres }) =>
      typeof salesforce === 'string' && typeof postgres === 'string' ? { value: salesforce + postgres } : null;
    expect(merge('x', 's', 'p', { policy: 'custom', custom: longest })).toBe('sp (policy)');
    expect(merge('x', 's', null, { policy: 'custom', custom: longest })).toBe('conflict');
    expect(merge('x', 's', 'p', { policy: 'custom' })).toBe('conflict');
  });
});
