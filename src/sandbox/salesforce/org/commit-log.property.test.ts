import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../../../platform/random.ts';
import type { CommittedChange } from './commit.ts';
import type { Row } from './fields.ts';
import { Org } from './org.ts';
import { OrgRefusal } from './refusal.ts';
import type { Transaction } from './transaction.ts';

const OBJECTS = ['Account', 'Contact', 'Invoice__c'] as const;

interface Write {
  verb: 'create' | 'update' | 'upsert' | 'delete' | 'undelete' | 'purge' | 'fail';
  entity: (typeof OBJECTS)[number];
  /** Which record, and which parent. */
  at: number;
  key: number;
  /** A part that fails alone. */
  alone: boolean;
}

const write: fc.Arbitrary<Write> = fc.record({
  verb: fc.constantFrom('create', 'create', 'update', 'update', 'upsert', 'delete', 'undelete', 'purge', 'fail'),
  entity: fc.constantFrom(...OBJECTS),
  at: fc.nat(9),
  key: fc.nat(4),
  alone: fc.boolean(),
});
const script = fc.array(fc.record({ writes: fc.array(write, { maxLength: 5 }), wait_ms: fc.nat(3000) }), {
  maxLength: 25,
});
type Script = Parameters<typeof run>[0];

function run(steps: readonly { writes: readonly Write[]; wait_ms: number }[]): { org: Org; told: CommittedChange[] } {
  let now_ms = Date.parse('2026-11-21T12:00:00Z');
  const org = new Org({ clock: { now_ms: () => now_ms, monotonic_ms: () => now_ms }, random: seededRandom(3) });
  const told: CommittedChange[] = [];
  org.subscribe((changes) => told.push(...changes));
  for (const { writes, wait_ms } of steps) {
    now_ms += wait_ms;
    try {
      org.transaction((transaction) => {
        for (const each of writes) attempt(org, transaction, each);
      });
    } catch (error) {
      if (!(error instanceof OrgRefusal)) throw error;
    }
  }
  return { org, told };
}

function attempt(org: Org, transaction: Transaction, given: Write): void {
  if (!given.alone) return act(org, transaction, given);
  try {
    transaction.attempt(() => act(org, transaction, given));
  } catch (error) {
    if (!(error instanceof OrgRefusal)) throw error;
  }
}

function act(org: Org, transaction: Transaction, { verb, entity, at, key }: Write): void {
  const all = [...org.table(entity).rows()];
  const id = String(all[at % Math.max(1, all.length)]?.['Id'] ?? 'none');
  const parent = [...org.table('Account').rows()][key]?.['Id'] ?? null;
  const parents = { Account: { ParentId: parent }, Contact: { AccountId: parent }, Invoice__c: {} }[entity];
  const name = entity === 'Contact' ? { LastName: `N${key}` } : { Name: `N${key}` };
  if (verb === 'create')
    transaction.create(entity, {
      ...name,
      ...parents,
      ...(entity === 'Invoice__c' ? { Account__c: parent } : {}),
      External_Id__c: `${key}`,
    });
  else if (verb === 'update') transaction.update(entity, id, { ...name, ...parents });
  else if (verb === 'upsert') transaction.upsert(entity, 'External_Id__c', `${key}`, { ...name, ...parents });
  else if (verb === 'fail') throw new OrgRefusal('UNKNOWN_EXCEPTION', 'on purpose');
  else transaction[verb](entity, id);
}

test('who replays the log has what the organisation has, change by change', () => {
  fc.assert(
    fc.property(script, (steps: Script) => {
      const { org, told } = run(steps);
      const replica = new Map<string, Row>();
      for (const { kind, record_id, before, after, changed_fields, nulled_fields } of told) {
        if (kind === 'UPDATE') {
          const differs = Object.keys({ ...before, ...after }).filter((name) => before?.[name] !== after?.[name]);
          for (const name of differs) if (name !== 'SystemModstamp') expect(changed_fields).toContain(name);
          expect(nulled_fields.every((name) => after?.[name] === undefined && changed_fields.includes(name))).toBe(
            true,
          );
        }
        if (kind === 'UPDATE' || kind === 'DELETE') expect(before).toEqual(replica.get(record_id));
        else expect(replica.has(record_id)).toBe(false);
        if (after) replica.set(record_id, after);
        else replica.delete(record_id);
      }
      const live = OBJECTS.flatMap((entity) => org.rows(entity).map((row) => [String(row['Id']), row] as const));
      expect(new Map([...replica].sort())).toEqual(new Map([...live].sort()));
      expect(org.commitsAfter(0).slice(-told.length || Infinity)).toEqual(told);
    }),
  );
});

test('live records are found by external id, all others are not', () => {
  fc.assert(
    fc.property(script, (steps: Script) => {
      const { org } = run(steps);
      for (const entity of OBJECTS)
        for (const key of ['0', '1', '2', '3', '4']) {
          const holders = org.rows(entity).filter((row) => row['External_Id__c'] === key);
          expect(holders.length).toBeLessThan(2);
          expect(org.findByExternalId(entity, 'External_Id__c', key)).toBe(holders[0]?.['Id'] ?? null);
        }
    }),
  );
});

test('the same seed and the same calls make the same organisation, to the last id', () => {
  fc.assert(
    fc.property(script, (steps: Script) => {
      expect(run(steps).told).toEqual(run(steps).told);
    }),
    { numRuns: 20 },
  );
});
