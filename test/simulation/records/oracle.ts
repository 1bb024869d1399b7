import type { Side } from '../../../src/records/model/value.ts';
import { sourceOf } from '../../../src/records/plan/merge.ts';
import { FIELDS, type FieldName } from './ledger.ts';
import type { RecordsWorld } from './world.ts';

/** What must hold once nothing moves any more; adds what does not to `world.broken`. */
export async function judge(world: RecordsWorld): Promise<void> {
  await nothingWaits(world);
  await sidesAgree(world);
  await deletesWereMade(world);
  await repeatChangesNothing(world);
}

async function nothingWaits({ rig, broken }: RecordsWorld): Promise<void> {
  const [progress] = await rig.store.keyed.progress();
  if (progress?.waiting !== 0 || progress.held_keys !== 0) broken.push(`keys wait: ${JSON.stringify(progress)}`);
  for (const { key, code } of await rig.store.deadLetters({ state: 'open' })) broken.push(`${key} is held: ${code}`);
}

async function sidesAgree({ rig, broken, ledger, scenario }: RecordsWorld): Promise<void> {
  const [here, there] = [await rig.table(), rig.accounts()];
  for (const key of scenario.keys) {
    const [row, record] = [here[key], there[key]];
    const copies = rig.org.rows('Account').filter((one) => one['External_Id__c'] === key).length;
    if (copies > 1) broken.push(`${key} is there ${copies} times`);
    if ((row === undefined) !== (record === undefined))
      broken.push(`${key} is ${row ? 'here' : 'there'} only: ${JSON.stringify(row ?? record)}`);
    if (row === undefined || record === undefined) continue;
    for (const field of FIELDS) {
      if (row[field] !== record[field])
        broken.push(`${key}.${field}: ${String(row[field])} here, ${String(record[field])} there`);
      for (const value of [row[field], record[field]])
        if (!ledger.knows(key, field, value as string | null))
          broken.push(`${key}.${field} has ${String(value)}, which nobody wrote`);
    }
    // A record that was made anew begins anew.
    if (!ledger.deletes.has(key)) for (const field of FIELDS) lastWordCounts(key, field, row[field]);
  }

  /** What is there is what people wrote last on one of the sides; of a one-way field, on its source. */
  function lastWordCounts(key: string, field: FieldName, value: unknown): void {
    const last = ledger.last(key, field);
    const mapped = scenario.mapping.fields.find(({ name }) => name === field);
    const source = mapped === undefined ? null : sourceOf(mapped);
    // A call of which the end was not heard leaves no base: both sides count as changed then, and a rule may choose the older.
    const is_asked = scenario.mapping.policy === 'manual' && mapped?.owner === 'shared';
    const is_calm = scenario.crash === 0 && scenario.fault === 0 && scenario.frozen === 0;
    if (source === null && !is_asked && !is_calm) return;
    const sides: readonly Side[] = source === null ? ['salesforce', 'postgres'] : [source];
    const words = sides.map((side) => last[side]);
    const silent = words.every((word) => word === undefined);
    if (silent ? value !== null : !words.includes(value as string | null))
      if (!(words.includes(undefined) && source !== null && value === null))
        broken.push(`${key}.${field} is ${String(value)}, the last words were ${JSON.stringify(last)}`);
  }
}

/** Each delete of ours carries one that somebody made. */
async function deletesWereMade({ rig, broken, ledger, scenario }: RecordsWorld): Promise<void> {
  const rows = await rig.sql(
    `SELECT key, count(*)::int AS deletes FROM syncline.history WHERE operation = 'delete' GROUP BY key`,
  );
  for (const { key, deletes } of rows)
    if (Number(deletes) > (ledger.deletes.get(String(key)) ?? 0))
      broken.push(
        `${String(key)} was deleted ${String(deletes)} times by us, ${ledger.deletes.get(String(key)) ?? 0} by people`,
      );
  const here = await rig.table();
  for (const key of scenario.keys) {
    const was_made = FIELDS.some((field) =>
      Object.values(ledger.last(key, field)).some((value) => value !== undefined),
    );
    if (was_made && !ledger.deletes.has(key) && here[key] === undefined)
      broken.push(`${key} is gone, and nobody deleted it`);
  }
}

async function repeatChangesNothing(world: RecordsWorld): Promise<void> {
  const { rig, broken, scenario } = world;
  const [before, links] = [await world.marks(), JSON.stringify([await rig.table(), rig.accounts()])];
  await world.touch(scenario.keys);
  await world.deliver();
  if (before !== (await world.marks())) broken.push(`a repeat wrote: ${before} before, ${await world.marks()} after`);
  if (links !== JSON.stringify([await rig.table(), rig.accounts()])) broken.push('a repeat changed something');
  await nothingWaits(world);
}
