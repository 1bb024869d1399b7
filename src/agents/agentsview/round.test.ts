import { chmodSync, readdirSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AgentsviewWriter, RELEASES, writeConversation } from '../../../test/support/agentsview-databases.ts';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { contentFingerprint } from './content-fingerprint.ts';
import { deletionsAfter, fatesOf } from './deletions.ts';
import { readSession } from './messages.ts';
import { openAgentsview } from './open.ts';
import { LIST_ALL_EVERY_MS, isQuiet, planRound, type RoundPlan, type RoundState } from './round.ts';
import { allSessions, recentSessions, sessionsById } from './sessions.ts';

let scratch: ReturnType<typeof scratchDirectory>;
let path: string;
let writer: AgentsviewWriter;
/** Long after every write of the test, so that a look at the file is settled unless the test says otherwise. */
let now_ms: number;
beforeEach(() => {
  scratch = scratchDirectory();
  path = join(scratch.path, 'sessions.db');
  now_ms = Date.now() + 60_000;
});
afterEach(() => {
  vi.restoreAllMocks();
  writer.close();
  scratch.remove();
});

function database(release = '0.41'): void {
  writer = new AgentsviewWriter(path, release);
  writeConversation(writer, release);
}
function round(known: RoundState | null): RoundPlan {
  now_ms += 1_000;
  using reader = openAgentsview(path);
  return planRound(reader, known, now_ms);
}
/** As the state comes back from the checkpoint. */
const kept = (plan: RoundPlan): RoundState => JSON.parse(JSON.stringify(plan.next)) as RoundState;

describe('a round with nothing new', () => {
  it('looks at the file from outside and opens nothing', () => {
    database();
    const known = kept(round(null));
    const prepare = vi.spyOn(DatabaseSync.prototype, 'prepare');
    const exec = vi.spyOn(DatabaseSync.prototype, 'exec');
    chmodSync(path, 0o000);
    expect(isQuiet(path, known, now_ms + 1)).toBe(true);
    expect(isQuiet(path, known, now_ms + 100 * LIST_ALL_EVERY_MS)).toBe(true);
    expect(prepare.mock.calls.length + exec.mock.calls.length).toBe(0);
  });

  it('is not one once anybody wrote: to the WAL, to the file, or a new file', () => {
    database();
    let known = kept(round(null));
    writer.message('S1', 9);
    expect(isQuiet(path, known, now_ms)).toBe(false);
    known = kept(round(known));
    expect(isQuiet(path, known, now_ms)).toBe(true);
    writer.database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    expect(isQuiet(path, known, now_ms)).toBe(false);
    writer.close();
    expect(isQuiet(path, kept(round(known)), now_ms)).toBe(true);
  });

  it('is not believed of a file that was written a moment ago: the next write may bear the same time', () => {
    database();
    writer.close();
    utimesSync(path, now_ms / 1000, now_ms / 1000);
    const plan = round(null);
    expect(plan.next.file.settled).toBe(false);
    expect(isQuiet(path, kept(plan), now_ms)).toBe(false);
    now_ms += 5_000;
    expect(isQuiet(path, kept(round(null)), now_ms)).toBe(true);
  });

  it('costs the same reading in an unused folder: what our own reading leaves is no write', () => {
    database();
    writer.close();
    const known = kept(round(null));
    expect(isQuiet(path, known, now_ms)).toBe(true);
    new AgentsviewWriter(path, null).close();
    expect(readdirSync(scratch.path)).toEqual(['sessions.db']);
    expect(isQuiet(path, known, now_ms)).toBe(true);
  });

  it('is not one when only times tell: the WAL written over from its start, the file written in place', () => {
    database();
    const long_ago = new Date('2026-01-01');
    writer.message('S1', 9, { content: 'x'.repeat(100_000) });
    writer.database.exec('PRAGMA wal_checkpoint(PASSIVE)');
    utimesSync(`${path}-wal`, long_ago, long_ago);
    let known = kept(round(null));
    const { size } = statSync(`${path}-wal`);
    writer.message('S1', 10);
    expect(statSync(`${path}-wal`).size).toBe(size);
    expect(isQuiet(path, known, now_ms)).toBe(false);

    writer.database.exec('PRAGMA journal_mode=DELETE');
    utimesSync(path, long_ago, long_ago);
    known = kept(round(null));
    writer.run("UPDATE messages SET role = 'USER'");
    expect(isQuiet(path, known, now_ms)).toBe(false);
  });
});

describe('what a round lists', () => {
  it('everything at first, then what is recent, and everything again when that is old', () => {
    database();
    const first = round(null);
    expect([first.continuation.kind, first.listing]).toEqual(['first', 'all']);
    const second = round(kept(first));
    expect([second.continuation.kind, second.listing]).toEqual(['same', 'recent']);
    expect(second.next).toMatchObject({ listed_ms: now_ms, listed_all_ms: first.next.listed_all_ms });
    expect(isQuiet(path, kept(second), now_ms)).toBe(true);
    now_ms += LIST_ALL_EVERY_MS;
    expect(isQuiet(path, kept(second), now_ms)).toBe(false);
    const third = round(kept(second));
    expect([third.listing, third.next.listed_all_ms]).toEqual(['all', now_ms]);
  });

  it('everything when a star or pin moved, when the database is another, and when the clock was set back', () => {
    database();
    const known = kept(round(null));
    writer.run('DELETE FROM starred_sessions');
    const unstarred = round(known);
    expect(unstarred.listing).toBe('all');
    writer.run("UPDATE pinned_messages SET note = 'other'");
    expect(round(kept(unstarred)).listing).toBe('all');
    const settled = kept(round(null));
    expect(round(settled).listing).toBe('recent');
    writer.run("UPDATE archive_metadata SET value = 'database-two' WHERE key = 'database_id'");
    expect(round(settled)).toMatchObject({ listing: 'all', continuation: { kind: 'new_epoch', reasons: ['rebuilt'] } });
    const later = kept(round(null));
    now_ms -= 3_600_000;
    expect(round(later).listing).toBe('all');
  });

  it('everything when something was deleted, which moves no marker', () => {
    database();
    writer.session('S2');
    const known = kept(round(null));
    writer.run("DELETE FROM sessions WHERE id = 'S2'");
    const deleted = round(known);
    expect(deleted.listing).toBe('all');
    expect(round(kept(deleted)).listing).toBe('recent');
  });

  it('everything where the release has no marker', () => {
    database('0.38');
    expect(round(kept(round(null))).listing).toBe('all');
  });

  it('holds no word of the conversations in what it keeps', () => {
    database();
    expect(JSON.stringify(round(null).next)).not.toMatch(/Green|fix|tests|shop|here/);
  });
});

describe('cost', () => {
  /** What SQLite does for each statement that `work` prepared. */
  function plansOf(work: () => void): { sql: string; plan: string }[] {
    const prepare = vi.spyOn(DatabaseSync.prototype, 'prepare');
    work();
    const statements = [...new Set(prepare.mock.calls.map(([sql]) => sql))].filter((sql) => /^\s*SELECT/.test(sql));
    prepare.mockRestore();
    return statements.map((sql) => ({
      sql,
      plan: writer.database
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map(({ detail }) => String(detail))
        .join('\n'),
    }));
  }

  it.each(RELEASES)('%s: no statement on one session passes over a whole table, none sorts texts', (release) => {
    database(release);
    using reader = openAgentsview(path);
    const plans = plansOf(() => {
      readSession(reader, 'S1', () => undefined);
      sessionsById(reader, ['S1']);
      fatesOf(reader, ['S1', 'gone']);
      contentFingerprint(reader, 'S1');
      deletionsAfter(reader, 0);
    });
    expect(plans.length).toBeGreaterThan(5);
    for (const { sql, plan } of plans) {
      expect(plan, sql).not.toMatch(/SCAN (sessions|messages|tool_calls|tool_result_events)\b/);
      if (/\b(content|result_content)\b/.test(sql)) expect(plan, sql).not.toMatch(/TEMP B-TREE/);
    }
  });

  it('a recent listing goes by the marker, a full one by the id, and neither reads a message', () => {
    database();
    using reader = openAgentsview(path);
    const [recent, all] = plansOf(() => {
      expect([...recentSessions(reader, 0)]).toHaveLength(1);
      expect([...allSessions(reader)]).toHaveLength(1);
    });
    expect(recent!.plan).toMatch(/SEARCH sessions USING INDEX sessions_by_marker/);
    expect(all!.plan).toMatch(/SEARCH sessions USING INDEX sqlite_autoindex_sessions_1/);
    for (const { plan } of [recent!, all!])
      expect(plan).not.toMatch(/(SCAN|SEARCH) (messages|tool_calls|tool_result_events)\b/);
  });
});
