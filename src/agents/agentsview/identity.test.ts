import { copyFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentsviewWriter } from '../../../test/support/agentsview-databases.ts';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { continuationOf, isNewerThanKnown, sourceIdentity, type SourceIdentity } from './identity.ts';
import { openAgentsview } from './open.ts';

let scratch: ReturnType<typeof scratchDirectory>;
let path: string;
beforeEach(() => {
  scratch = scratchDirectory();
  path = join(scratch.path, 'sessions.db');
});
afterEach(() => scratch.remove());

function identity(): SourceIdentity {
  using database = openAgentsview(path);
  return sourceIdentity(database);
}
function make(release: string, change: (writer: AgentsviewWriter) => void = () => undefined, file = path): void {
  using writer = new AgentsviewWriter(file, release);
  change(writer);
}
function change(sql: string): void {
  using writer = new AgentsviewWriter(path, null);
  writer.database.exec(sql);
}

describe('A3: which database this is', () => {
  it('is known by its own ids from 0.37.1 on, by its place before', () => {
    make('0.35');
    expect(identity()).toMatchObject({
      archive_id: null,
      database_id: null,
      user_version: 57,
      deletion_revision: null,
    });
    expect(continuationOf(null, identity())).toEqual({ kind: 'first' });
    expect(continuationOf(identity(), identity())).toEqual({ kind: 'same' });
  });

  it('stays the same through writes and an upgrade that only adds ids', () => {
    make('0.40', (writer) => writer.session('S1'));
    const before = identity();
    expect(before).toMatchObject({ archive_id: 'archive-one', database_id: 'database-one', deletion_revision: 0 });
    change("UPDATE sessions SET project = 'x'");
    expect(continuationOf(before, identity())).toEqual({ kind: 'same' });
    expect(continuationOf({ ...before, archive_id: null, database_id: null }, identity())).toEqual({ kind: 'same' });
  });

  it.each([
    ['rebuilt', "UPDATE archive_metadata SET value = 'database-two' WHERE key = 'database_id'"],
    ['data_version_changed', 'PRAGMA user_version=90'],
    ['data_version_changed', 'PRAGMA user_version=4'],
    ['revisions_went_back', 'DELETE FROM session_deletion_changes'],
  ])('%s: a new epoch of the same conversations', (reason, sql) => {
    make('0.40', (writer) => {
      writer.session('S1');
      writer.run("DELETE FROM sessions WHERE id = 'S1'");
    });
    const before = identity();
    expect(before.deletion_revision).toBe(1);
    change(sql);
    expect(continuationOf(before, identity())).toEqual({ kind: 'new_epoch', reasons: [reason] });
  });

  it('another file at the path is a new epoch, a device numbered anew is none where the database vouches for itself', () => {
    make('0.40');
    const before = identity();
    copyFileSync(path, `${path}.copy`);
    renameSync(`${path}.copy`, path);
    expect(continuationOf(before, identity())).toEqual({ kind: 'new_epoch', reasons: ['file_replaced'] });
    const here = identity();
    expect(continuationOf({ ...here, device: '7' }, here)).toEqual({ kind: 'same' });
    const nameless = { ...here, archive_id: null, database_id: null };
    expect(continuationOf({ ...nameless, device: '7' }, nameless).kind).toBe('new_epoch');
  });

  it('another archive, or one that lost its id, makes what was known neither deleted nor vanished', () => {
    make('0.40');
    const before = identity();
    change("UPDATE archive_metadata SET value = 'archive-two' WHERE key = 'archive_id'");
    expect(continuationOf(before, identity())).toEqual({ kind: 'other_archive', reasons: ['other_archive'] });
    change('DELETE FROM archive_metadata');
    expect(continuationOf(before, identity()).kind).toBe('other_archive');
  });

  it('a newer data version than known is read and said to be newer', () => {
    make('0.41');
    expect(isNewerThanKnown(identity())).toBe(false);
    change('PRAGMA user_version=91');
    expect(isNewerThanKnown(identity())).toBe(true);
  });
});
