import type { EngineStore } from '../../../src/engine/store.ts';
import type { KeyedLedger } from './ledger.ts';
import type { OtherSide } from './other-side.ts';
import type { KeyedScenario } from './scenario.ts';
import type { KeyedSource, SourceKey } from './source.ts';

/** What the end of a run must show; one sentence for each promise that is broken. */
export async function judgeKeyed(
  {
    scenario,
    source,
    others,
    ledger,
  }: { scenario: KeyedScenario; source: KeyedSource; others: readonly OtherSide[]; ledger: KeyedLedger },
  store: EngineStore,
  linked: (destination_id: string, key: string) => number,
): Promise<string[]> {
  const broken = [...(await store.verify())];
  const letters = await store.deadLetters({ limit: 100_000 });
  for (const other of others) {
    const { id, weather } = other.scenario;
    const open = new Set(
      letters.filter((row) => row.destination_id === id && row.state === 'open').map(({ key }) => key ?? ''),
    );
    // Mended between the refusals of a key and refusing again, a destination makes a good key look bad.
    const misleading = weather.some(({ kind }) => kind === 'refused_whole');
    for (const key of source.keys.values())
      if (key.version > 0) broken.push(...ofKey(other, key, open, misleading, ledger, linked(id, key.key)));
  }
  const stray = letters.filter(({ key }) => key === null);
  if (stray.length > 0) broken.push(`${stray.length} dead letters have no key in seed ${scenario.seed}`);
  return broken;
}

function ofKey(
  other: OtherSide,
  { key, partition, nature, version }: SourceKey,
  open: ReadonlySet<string>,
  misleading: boolean,
  ledger: KeyedLedger,
  link: number,
): string[] {
  const { id, declines } = other.scenario;
  const there = other.versions.get(key) ?? 0;
  if (declines.includes(partition)) return there > 0 ? [`${id} got ${key} of a partition that it does not take`] : [];
  const given_up = ledger.discarded.has(`${id}/${key}`);
  if (nature !== 'good') {
    if (there > 0) return [`${id} took the ${nature} key ${key}`];
    return open.has(key) || given_up ? [] : [`${id} neither has nor holds the ${nature} key ${key} (P1)`];
  }
  if (open.has(key)) return misleading ? [] : [`${id} holds the good key ${key} by a dead letter`];
  if (there !== version) return [`${id} has version ${there} of ${key}, the source has ${version} (P5)`];
  return link === version ? [] : [`the link of ${key} says ${link}, ${id} has ${there}`];
}
