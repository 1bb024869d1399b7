import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { agentsviewDatabaseAt, agentsviewPlaces } from './places.ts';

let scratch: ReturnType<typeof scratchDirectory>;
beforeEach(() => (scratch = scratchDirectory()));
afterEach(() => scratch.remove());

const placesOf = (env: Record<string, string>, setting?: string): [string, string][] =>
  agentsviewPlaces(env, setting ?? null).map(({ path, because }) => [path, because]);

describe('A1: where the database is looked for', () => {
  it('is the setting, then the newer variable, then the older, then both homes', () => {
    const all = { HOME: '/h', AGENTSVIEW_DATA_DIR: '/new', AGENT_VIEWER_DATA_DIR: '/old' };
    expect(placesOf(all, '/set/x.db')).toEqual([['/set/x.db', 'setting']]);
    expect(placesOf(all)).toEqual([['/new/sessions.db', 'AGENTSVIEW_DATA_DIR']]);
    expect(placesOf({ ...all, AGENTSVIEW_DATA_DIR: '' })).toEqual([['/old/sessions.db', 'AGENT_VIEWER_DATA_DIR']]);
    expect(placesOf({ HOME: '/h' })).toEqual([
      ['/h/.agentsview/sessions.db', 'default'],
      ['/h/.claude/agentsview/sessions.db', 'default'],
    ]);
    expect(placesOf({})).toEqual([]);
  });

  it('is the first default that exists; what is named is never replaced by a default', () => {
    const home = scratch.path;
    mkdirSync(join(home, '.claude', 'agentsview'), { recursive: true });
    mkdirSync(join(home, '.agentsview', 'sessions.db'), { recursive: true });
    expect(agentsviewDatabaseAt(agentsviewPlaces({ HOME: home }))).toBeNull();
    const legacy = join(home, '.claude', 'agentsview', 'sessions.db');
    writeFileSync(legacy, '');
    expect(agentsviewDatabaseAt(agentsviewPlaces({ HOME: home }))).toBe(legacy);
    expect(agentsviewDatabaseAt(agentsviewPlaces({ HOME: home, AGENTSVIEW_DATA_DIR: join(home, 'no') }))).toBeNull();
  });
});
