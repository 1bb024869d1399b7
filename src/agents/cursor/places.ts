import { join, sep } from 'node:path';
import { filesBelow, homeOf, placeAt } from '../folders.ts';
import type { Place } from '../source.ts';

/** Where Cursor keeps its agents' transcripts (agents specification §5.1). */
export function cursorPlaces(env: Readonly<Record<string, string | undefined>>): Place[] {
  const home = homeOf(env);
  return home === null ? [] : [placeAt('cursor', join(home, '.cursor', 'projects'), 'default')];
}

/** `<slug>/agent-transcripts/<id>.jsonl`, `<id>.txt` or `<id>/…`: one conversation for each slug and id. */
export async function countCursorSessions(places: readonly Place[]): Promise<number> {
  const conversations = new Set<string>();
  for (const place of places) {
    for (const file of await filesBelow(place.path, 3)) {
      const [slug, folder, name] = file.split(sep);
      if (folder !== 'agent-transcripts' || slug === undefined || name === undefined) continue;
      if (/\.(?:jsonl|txt)$/.test(file)) conversations.add(`${slug}/${name.replace(/\.(?:jsonl|txt)$/, '')}`);
    }
  }
  return conversations.size;
}
