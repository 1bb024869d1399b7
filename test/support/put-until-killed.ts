/** Puts version after version of one session into a store, until it is killed. Argument: the store's file. */
import { systemClock } from '../../src/platform/clock.ts';
import { TEAM, nextPut } from '../../src/sessions/store/contract/scene.ts';
import { SqliteSessionStore } from '../../src/sessions/store/sqlite/sqlite-session-store.ts';
import { SESSION_KEY, versionOf, versionNamed } from './session-versions.ts';

const store = new SqliteSessionStore(process.argv[2] ?? '', { clock: systemClock });
const state = await store.state(TEAM, SESSION_KEY);
let version = versionNamed(state?.fingerprint ?? null);
for (;;) {
  const next = versionOf(version + 1);
  const result = await store.put(TEAM, version === 0 ? next : nextPut(versionOf(version), next));
  if (result.kind !== 'stored') throw new Error(`version ${version + 1} was not stored: ${result.kind}`);
  version++;
  process.stdout.write(`${version}\n`);
}
