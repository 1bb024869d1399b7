import type { DeadLetter, EngineStore } from '../../src/engine/store.ts';
import type { Item, Ledger } from './ledger.ts';
import type { DestinationScenario, Scenario } from './scenario.ts';
import type { Server } from './server.ts';

/** What the end of a run must show (design §8); one sentence for each promise that is broken. */
export async function judge(
  scenario: Scenario,
  ledger: Ledger,
  servers: readonly Server[],
  store: EngineStore,
): Promise<string[]> {
  const letters = await store.deadLetters({ limit: 100_000 });
  const counters = await store.counters();
  const broken = [...(await store.verify())];
  const unread = [...ledger.items.keys()].filter((id) => !ledger.journalled.has(id));
  if (unread.length > 0) broken.push(`items ${unread.join()} were never journalled (P1)`);
  for (const [i, destination] of scenario.destinations.entries()) {
    const dead = new Set(letters.filter(({ destination_id }) => destination_id === destination.id).map(idOfLetter));
    const dropped = counters.items_dropped_by_retention?.[destination.id] ?? 0;
    broken.push(
      ...lost(destination, ledger, dead, dropped),
      ...repeated(destination, ledger),
      // Two senders may each try a part of a held partition when it is mended.
      ...(scenario.senders === 1 ? unordered(destination, ledger) : []),
      ...condemned(scenario, destination, ledger, servers[i]!, letters),
    );
    const settled = ledger.account(destination.id).accepted_items;
    const counted = counters.items_accepted?.[destination.id] ?? 0;
    if (settled !== counted) broken.push(`${destination.id}: ${counted} items counted as accepted, ${settled} were`);
  }
  return broken;
}

/** The item of a dead letter; of an erased one only its place is left. */
function idOfLetter({ payload }: DeadLetter): number {
  return payload === null ? -1 : (JSON.parse(payload) as Item).id;
}

/** P1: accepted − delivered − dead-lettered − counted drops = ∅. What was erased may be gone. */
function lost(destination: DestinationScenario, ledger: Ledger, dead: ReadonlySet<number>, dropped: number): string[] {
  const { effects } = ledger.account(destination.id);
  const taken = [...ledger.items.values()].filter(({ partition }) => !destination.declines.includes(partition));
  const missing = taken.filter(
    ({ id }) =>
      !effects.has(id) && !dead.has(id) && !ledger.isErased(id) && !ledger.discarded.has(`${destination.id} ${id}`),
  );
  if (missing.length <= (destination.required ? 0 : dropped)) return [];
  return [`${destination.id} lost ${missing.map(({ id }) => id).join()} (P1), ${dropped} counted as dropped`];
}

/** P2: at an exact destination each effect happens once; nothing arrives that it does not take. */
function repeated(destination: DestinationScenario, ledger: Ledger): string[] {
  const broken: string[] = [];
  for (const [id, count] of ledger.account(destination.id).effects) {
    if (destination.exact && count !== 1)
      broken.push(`${destination.id} has the effect of item ${id} ${count} times (P2)`);
    if (destination.declines.includes(ledger.items.get(id)?.partition ?? ''))
      broken.push(`${destination.id} got item ${id} of a partition that it does not take`);
  }
  return broken;
}

/** P5: with a window of one the items of a partition are settled in the order of the source. */
function unordered(destination: DestinationScenario, ledger: Ledger): string[] {
  if (destination.window !== 1) return [];
  const broken: string[] = [];
  for (const [partition, ids] of ledger.account(destination.id).order) {
    const counted = ids.filter((id) => !ledger.repeatable.has(id) && !ledger.retried.has(`${destination.id} ${id}`));
    const late = counted.find((id, i) => id < (counted[i - 1] ?? 0));
    if (late !== undefined)
      broken.push(`${destination.id} settled item ${late} of ${partition} after a later one (P5)`);
  }
  return broken;
}

/** Nothing well is condemned, and nothing bad slips through. */
function condemned(
  scenario: Scenario,
  destination: DestinationScenario,
  ledger: Ledger,
  server: Server,
  letters: readonly DeadLetter[],
): string[] {
  // Mended between the refusal of an item and the acceptance of its neighbour, a destination makes a good item look bad.
  const misleading = destination.weather.some(({ kind }) => kind === 'refused_whole');
  const mine = letters.filter(({ destination_id, payload }) => destination_id === destination.id && payload !== null);
  const good = mine
    .map(({ payload }) => (JSON.parse(payload!) as Item).id)
    .filter((id) => server.poison(id) === 'good');
  const broken: string[] = [];
  if (good.length > 0 && !misleading) broken.push(`${destination.id} has good items ${good.join()} as dead letters`);
  const { effects } = ledger.account(destination.id);
  const slipped = [...effects.keys()].filter((id) => server.poison(id) !== 'good');
  if (slipped.length > 0) broken.push(`${destination.id} took bad items ${slipped.join()} in seed ${scenario.seed}`);
  return broken;
}
