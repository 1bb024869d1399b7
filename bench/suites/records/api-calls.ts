import { objectNamed, drift } from '../../../src/runtime/records/records-verbs.ts';
import type { Comparison, SuiteOptions } from '../../harness.ts';
import { openRecordsWorld } from './records-world.ts';

const CHANGED = 10_000;
const COMPARED = 100_000;

/** Every row of a table is changed at once; counted is what Salesforce is asked until both sides are equal again. */
export function changedCallsComparison({ folder, quick }: SuiteOptions): Comparison {
  const accounts = quick ? 1000 : CHANGED;
  return {
    name: 'API calls for 10,000 changed records',
    unit: 'calls',
    referenceName: 'one call a record',
    goal: { at_most: 60, of: 'figure' },
    rounds: 1,
    measure: async () => {
      await using world = await openRecordsWorld(folder, accounts);
      await world.postgres.query(`UPDATE public.accounts SET phone = 'changed'`);
      world.calls();
      await world.flush();
      // Salesforce tells of our own writes when it is asked the next time: that is part of what a change costs.
      await world.flush();
      const changed = world.sandbox.org.rows('Account').filter((row) => row['Phone'] === 'changed').length;
      if (changed !== accounts) throw new Error(`${changed} of ${accounts} records arrived`);
      return { ours: (world.calls() * CHANGED) / accounts, reference: CHANGED };
    },
  };
}

/** Both sides are compared whole, and nothing differs. */
export function reconcileCallsComparison({ folder, quick }: SuiteOptions): Comparison {
  const accounts = quick ? 2000 : COMPARED;
  return {
    name: 'API calls to compare 100,000 unchanged records',
    unit: 'calls',
    referenceName: 'one call for 200 records',
    goal: { at_most: 60, of: 'figure' },
    rounds: 1,
    measure: async () => {
      await using world = await openRecordsWorld(folder, accounts);
      const object = objectNamed(world.directory, 'accounts');
      world.calls();
      const report = await drift(world.directory, object, false, new AbortController().signal);
      if (report.in_step !== accounts) throw new Error(`${report.in_step} of ${accounts} records are in step`);
      return { ours: (world.calls() * COMPARED) / accounts, reference: COMPARED / 200 };
    },
  };
}
