import { basename, join } from 'node:path';
import { filesBelow, homeOf, placeAt } from '../folders.ts';
import type { Place } from '../source.ts';

/** Where Codex keeps its rollouts (agents specification §1): `CODEX_HOME` moves the whole tree. */
export function codexPlaces(env: Readonly<Record<string, string | undefined>>): Place[] {
  const named = env['CODEX_HOME'];
  const home = homeOf(env);
  if (!named && home === null) return [];
  const folder = named || join(home ?? '', '.codex');
  const because = named ? 'CODEX_HOME' : 'default';
  return ['sessions', 'archived_sessions'].map((name) => placeAt('codex', join(folder, name), because));
}

/** Threads below the places. A live and an archived copy, or a plain and a compressed one, are one thread (§4.6). */
export async function countCodexSessions(places: readonly Place[]): Promise<number> {
  const threads = new Set<string>();
  for (const place of places) {
    // sessions/YYYY/MM/DD/
    for (const file of await filesBelow(place.path, 3)) {
      const thread = /^rollout-.*\.jsonl(?=(?:\.zst)?$)/.exec(basename(file))?.[0];
      if (thread !== undefined) threads.add(thread);
    }
  }
  return threads.size;
}
