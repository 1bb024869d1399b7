import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentsviewWriter } from '../../../test/support/agentsview-databases.ts';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { deletionsAfter, fatesOf, tellsDeletions, type Fate } from './deletions.ts';
import { openAgentsview } from './open.ts';
import { sessionsById } from './sessions.ts';

let scratch: ReturnType<typeof scratchDirectory>;
let path: string;
let writer: AgentsviewWriter;
beforeEach(() => {
  scratch = scratchDirectory();
});
afterEach(() => {
  writer.close();
  scratch.remove();
});

function database(release: string): void {
  path = join(scratch.path, `${release}.db`);
  writer = new AgentsviewWriter(path, release);
  for (const id of ['S1', 'S2', 'S3']) writer.session(id);
}
const fate = (id: string): Fate | undefined => {
  using reader = openAgentsview(path);
  return fatesOf(reader, [id, 'S3']).get(id);
};

describe('A11, R12: only a person deletes', () => {
  it('a session that is gone without a word has vanished, in every release', () => {
    for (const release of ['0.10', '0.11', '0.38']) {
      database(release);
      writer.run("DELETE FROM sessions WHERE id = 'S1'");
      expect([release, fate('S1')]).toEqual([release, { kind: 'vanished' }]);
      expect([release, fate('S2')]).toEqual([release, { kind: 'here', presence: { kind: 'present' } }]);
      writer.close();
    }
    database('0.41');
    expect(fate('never-seen-here')).toEqual({ kind: 'vanished' });
  });

  it('an id in excluded_sessions was deleted for good (0.11 on)', () => {
    database('0.11');
    writer.run("DELETE FROM sessions WHERE id = 'S1'");
    writer.insert('excluded_sessions', { id: 'S1' });
    expect(fate('S1')).toEqual({ kind: 'deleted', by: 'excluded_sessions' });
  });

  it('the deletion journal has hard deletions, and forgets those that came back (0.39 on)', () => {
    database('0.39');
    writer.run("DELETE FROM sessions WHERE id = 'S1'");
    expect(fate('S1')).toEqual({ kind: 'deleted', by: 'session_deletion_changes' });
    writer.session('S1');
    expect(fate('S1')).toEqual({ kind: 'here', presence: { kind: 'present' } });
    writer.run('DROP TRIGGER journal_deleted');
    writer.run("DELETE FROM sessions WHERE id = 'S1'");
    expect(fate('S1')).toEqual({ kind: 'vanished' });
  });

  it('a row that is there wins over any record of its deletion', () => {
    database('0.41');
    writer.insert('excluded_sessions', { id: 'S1' });
    writer.insert('session_deletion_changes', { session_id: 'S1', project: 'shop', revision: 9, deleted: 1 });
    expect(fate('S1')).toMatchObject({ kind: 'here' });
  });

  it.each([
    ['by a person', '2026-04-01T00:00:00Z', null, 'trashed'],
    ['by a person, in words', '2026-04-01T00:00:00Z', '', 'trashed'],
    ['because its file vanished', '2026-04-01T00:00:00Z', 'source_missing', 'source_missing'],
    ['for a reason of a later release', '2026-04-01T00:00:00Z', 'retired', 'trashed'],
    ['no longer', null, 'source_missing', 'present'],
    ['no longer, empty', '', null, 'present'],
  ])('hidden %s', (_name, deleted_at, deletion_cause, kind) => {
    database('0.39');
    writer.run("UPDATE sessions SET deleted_at = ?, deletion_cause = ? WHERE id = 'S1'", deleted_at, deletion_cause);
    const presence = kind === 'present' ? { kind } : { kind, since: deleted_at };
    expect(fate('S1')).toEqual({ kind: 'here', presence });
    using reader = openAgentsview(path);
    expect(sessionsById(reader, ['S1'])[0]?.presence).toEqual(presence);
  });

  it('hidden where the release tells no cause: by a person', () => {
    database('0.11');
    writer.run("UPDATE sessions SET deleted_at = '2026-04-01T00:00:00Z' WHERE id = 'S1'");
    expect(fate('S1')).toEqual({ kind: 'here', presence: { kind: 'trashed', since: '2026-04-01T00:00:00Z' } });
  });

  it('a file that is missing may be told without hiding the session', () => {
    database('0.41');
    writer.run('ALTER TABLE sessions ADD COLUMN source_missing_at TEXT');
    writer.run("UPDATE sessions SET source_missing_at = '2026-09-01T00:00:00Z' WHERE id = 'S1'");
    expect(fate('S1')).toMatchObject({ presence: { kind: 'source_missing', since: '2026-09-01T00:00:00Z' } });
  });

  it('files too old to tell a deletion say so', () => {
    for (const [release, tells] of [
      ['0.10', false],
      ['0.11', true],
    ] as const) {
      database(release);
      using reader = openAgentsview(path);
      expect(tellsDeletions(reader.schema)).toBe(tells);
      writer.close();
    }
  });
});

describe('the deletion journal', () => {
  it('is read on from a revision, oldest first, and gives only what is gone now', () => {
    database('0.41');
    for (const id of ['S2', 'S1', 'S3']) writer.run('DELETE FROM sessions WHERE id = ?', id);
    writer.session('S1');
    using reader = openAgentsview(path);
    expect(deletionsAfter(reader, 0)).toEqual({ ids: ['S2', 'S3'], revision: 4, more: false });
    expect(deletionsAfter(reader, 0, 1)).toEqual({ ids: ['S2'], revision: 1, more: true });
    expect(deletionsAfter(reader, 1, 1)).toEqual({ ids: ['S3'], revision: 3, more: true });
    expect(deletionsAfter(reader, 4)).toEqual({ ids: [], revision: 4, more: false });
    writer.run('UPDATE session_deletion_changes SET revision = 7');
    expect(deletionsAfter(reader, 4, 1)).toMatchObject({ ids: ['S2', 'S3'] });
    writer.run('DROP TRIGGER journal_returned');
    writer.session('S3');
    expect(deletionsAfter(reader, 4, 1)).toEqual({ ids: ['S2'], revision: 7, more: true });
    expect(deletionsAfter(reader, 7, 1)).toEqual({ ids: [], revision: 7, more: false });
  });

  it('is empty where there is none', () => {
    database('0.38');
    using reader = openAgentsview(path);
    expect(deletionsAfter(reader, 0)).toEqual({ ids: [], revision: 0, more: false });
  });
});
