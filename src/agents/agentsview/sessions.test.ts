import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentsviewWriter, RELEASES, writeConversation } from '../../../test/support/agentsview-databases.ts';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { contentFingerprint } from './content-fingerprint.ts';
import type { SessionMark } from './marks.ts';
import { openAgentsview } from './open.ts';
import { allSessions, listsRecentSessions, recentSessions, sessionsById } from './sessions.ts';

let scratch: ReturnType<typeof scratchDirectory>;
let path: string;
let writer: AgentsviewWriter;
beforeEach(() => {
  scratch = scratchDirectory();
  path = join(scratch.path, 'sessions.db');
});
afterEach(() => {
  writer.close();
  scratch.remove();
});

function database(release: string): void {
  writer = new AgentsviewWriter(path, release);
  writeConversation(writer, release);
  writer.session('other');
}
const marks = (): SessionMark[] => {
  using reader = openAgentsview(path);
  return [...allSessions(reader)];
};
const markOf = (id: string): SessionMark => {
  using reader = openAgentsview(path);
  return sessionsById(reader, [id])[0]!;
};
const fingerprint = (id = 'S1'): string | null => {
  using reader = openAgentsview(path);
  return contentFingerprint(reader, id);
};

/** Which halves of the mark of S1 a change moves; the other session's must not move at all. */
function moved(change: () => void): string[] {
  const [before, other] = [markOf('S1'), markOf('other')];
  change();
  const after = markOf('S1');
  expect(markOf('other')).toEqual(other);
  return (['transcript', 'metadata'] as const).filter((half) => before[half] !== after[half]);
}

describe('A9: a changed transcript moves the mark', () => {
  const from_0_10 = RELEASES.slice(1);

  it.each(from_0_10)('%s: an append that leaves the hash as it was (E1), also where it is NULL (E2)', (release) => {
    database(release);
    expect(moved(() => writer.message('S1', 3))).toEqual(['transcript']);
    writer.run('UPDATE sessions SET file_hash = NULL');
    expect(moved(() => writer.message('S1', 4))).toEqual(['transcript']);
  });

  it('a growth that shows only in the time of the file, beyond 2^53 nanoseconds, by one', () => {
    database('0.10');
    expect(moved(() => writer.run("UPDATE sessions SET file_mtime = file_mtime + 1 WHERE id = 'S1'"))).toEqual([
      'transcript',
    ]);
  });

  it('a revision that went up, went back or was lost', () => {
    database('0.41');
    for (const revision of ['9', '1', '0'])
      expect(moved(() => writer.run("UPDATE sessions SET transcript_revision = ? WHERE id = 'S1'", revision))).toEqual([
        'transcript',
      ]);
    expect(markOf('S1').revision).toBe('0');
  });

  it('nothing moves it but a change: not another reading, not the insertion time that a rebuild sets anew', () => {
    database('0.41');
    const before = marks();
    writer.run("UPDATE sessions SET created_at = '2026-08-01T00:00:00.000Z'");
    expect(marks()).toEqual(before);
  });

  it.each([
    ['an append (E1)', () => writer.message('S1', 3)],
    ['a late result (E3)', () => writer.run("UPDATE tool_calls SET result_content = 'later' WHERE tool_use_id = 't2'")],
    ['a late event', () => writer.event('S1', 2, { content: 'late', event_index: 2 })],
    ['an edited end (E4)', () => writer.run("UPDATE messages SET content = 'FIX the tests' WHERE ordinal = 0")],
    ['fewer messages (E5)', () => writer.run('DELETE FROM messages WHERE ordinal = 2')],
    ['other ordinals (E5)', () => writer.run('UPDATE messages SET ordinal = 1 WHERE ordinal = 2')],
  ])('the content fingerprint sees %s, though the row tells nothing', (_name, change) => {
    for (const release of ['0.17', '0.35', '0.41']) {
      path = join(scratch.path, `${release}.db`);
      database(release);
      const before = fingerprint();
      expect(fingerprint()).toBe(before);
      change();
      expect(fingerprint()).not.toBe(before);
      writer.close();
    }
  });

  it('the content fingerprint sees ordinals that moved far from the end', () => {
    database('0.41');
    for (let ordinal = 10; ordinal < 20; ordinal++) writer.message('S1', ordinal);
    const before = fingerprint();
    writer.run('UPDATE messages SET ordinal = 3 WHERE ordinal = 2');
    expect(fingerprint()).not.toBe(before);
  });

  it('the content fingerprint of a session that is not there is null, and 0.8 has one too', () => {
    database('0.8');
    expect(fingerprint('nobody')).toBeNull();
    const before = fingerprint();
    writer.message('S1', 3);
    expect(fingerprint()).not.toBe(before);
  });
});

describe('A10: what is not the transcript moves the other half', () => {
  it.each([
    ['a rename', () => writer.run("UPDATE sessions SET display_name = 'New' WHERE id = 'S1'")],
    ['a name taken back', () => writer.run("UPDATE sessions SET display_name = NULL WHERE id = 'S1'")],
    ['a star taken away (E10)', () => writer.run("DELETE FROM starred_sessions WHERE session_id = 'S1'")],
    ['a pin taken away', () => writer.run("DELETE FROM pinned_messages WHERE session_id = 'S1'")],
    ["a pin's note", () => writer.run("UPDATE pinned_messages SET note = NULL WHERE session_id = 'S1'")],
    ['another project', () => writer.run("UPDATE sessions SET project = 'web' WHERE id = 'S1'")],
    ['the trash (E9)', () => writer.run("UPDATE sessions SET deleted_at = '2026-04-01T00:00:00Z' WHERE id = 'S1'")],
    ['another parent', () => writer.run("UPDATE sessions SET relationship_type = 'fork' WHERE id = 'S1'")],
    ['its repository', () => writer.run("UPDATE session_project_identity_snapshots SET normalized_remote = 'h/o/r'")],
  ])('%s', (_name, change) => {
    database('0.41');
    expect(moved(change)).toEqual(['metadata']);
  });
});

describe('listing', () => {
  it('gives every session once, in order, over many pages', () => {
    database('0.41');
    writer.transaction(() => {
      for (let i = 0; i < 2_500; i++) writer.session(`T${String(i).padStart(5, '0')}`);
    });
    const ids = marks().map(({ id }) => id);
    expect(ids).toHaveLength(2_502);
    expect(ids).toEqual([...new Set(ids)].sort());
  });

  it('ends on ids that are no UTF-8, and passes over rows without an id', () => {
    database('0.41');
    writer.transaction(() => {
      for (let i = 0; i < 1_200; i++)
        writer.database.exec(
          `INSERT INTO sessions (id, project) VALUES (CAST(x'7a${(i + 256).toString(16).padStart(4, '0')}ff' AS TEXT), '')`,
        );
      writer.database.exec("INSERT INTO sessions (id, project) VALUES (NULL, ''), ('', ''), (x'7a', '')");
    });
    expect(marks()).toHaveLength(1_202);
  });

  it('of recent sessions starts 20 minutes before the last listing and knows no end', () => {
    database('0.41');
    const last_ms = Date.parse('2026-06-01T12:00:00Z');
    const at = (id: string, minutes: number): void =>
      writer.session(id, { ended_at: new Date(last_ms + minutes * 60_000).toISOString() });
    at('before', -21);
    at('edge', -20);
    at('since', 5);
    at('far-future', 60 * 24 * 365 * 50);
    using reader = openAgentsview(path);
    expect([...recentSessions(reader, last_ms)].map(({ id }) => id)).toEqual(['edge', 'since', 'far-future']);
    writer.message('before', 0, { content: 'x' });
    writer.run("UPDATE sessions SET local_modified_at = '2026-06-01T12:01:00Z' WHERE id = 'before'");
    const recent = [...recentSessions(reader, last_ms)];
    expect(recent.map(({ id }) => id)).toEqual(['edge', 'before', 'since', 'far-future']);
    expect(recent[1]).toEqual(sessionsById(reader, ['before'])[0]);
  });

  it('of recent sessions pages through many of one marker', () => {
    database('0.41');
    writer.transaction(() => {
      for (let i = 0; i < 2_100; i++) writer.session(`T${i}`, { ended_at: '2026-06-01T12:00:00Z' });
    });
    using reader = openAgentsview(path);
    const ids = [...recentSessions(reader, Date.parse('2026-06-01T12:00:00Z'))].map(({ id }) => id);
    expect(new Set(ids).size).toBe(2_100);
    expect(ids).toHaveLength(2_100);
  });

  it('of recent sessions is for files that have the marker', () => {
    database('0.38');
    using reader = openAgentsview(path);
    expect(listsRecentSessions(reader)).toBe(false);
  });
});
