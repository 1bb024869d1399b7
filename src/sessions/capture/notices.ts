import { conversationKey } from '../conversation-key.ts';
import type { FlowWrite, NewEntry } from '../../engine/store.ts';
import { PRIORITY } from '../../engine/keyed/store.ts';
import type { Hashing } from '../../redaction/hash-forms.ts';
import type { AbsentSession, ChangedSession } from './round-listing.ts';
import type { RetriedSession } from './known-sessions.ts';

/** Sessions of one append: an entry and a mark each, so that a transaction has at most 1,000 rows. */
export const NOTICES_PER_APPEND = 500;

/** Whose notices these are. */
export interface NoticeContext {
  hashing: Hashing;
  /** This machine's stable id: part of every key. */
  device: string;
  source: string;
  partition_id: number;
  now_ms: number;
  /** A first look at a place: what happens now goes before it. */
  is_backfill: boolean;
}

/** Entries and the marks that commit with them. */
export interface Notices {
  entries: NewEntry[];
  writes: FlowWrite[];
}

const NOTE_CHANGED = `INSERT INTO session_mark
    (archive, native_id, mark, project_group, key, notices, source, partition_id, state, noticed_ms)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, ?2, ?3, 'present', ?4
  FROM json_each(?1) WHERE true
  ON CONFLICT (archive, native_id) DO UPDATE SET mark = excluded.mark, project_group = excluded.project_group,
    notices = excluded.notices, source = excluded.source, partition_id = excluded.partition_id, state = 'present',
    absent_since_ms = NULL, noticed_ms = excluded.noticed_ms, retry_ms = NULL
  WHERE session_mark.notices = excluded.notices - 1`;

const NOTE_ABSENT = `UPDATE session_mark SET state = ?2, absent_since_ms = ?3, noticed_ms = ?3, notices = notices + 1,
    failures = 0, failure_code = NULL, failure_message = NULL, retry_ms = NULL
  FROM json_each(?1) AS told WHERE session_mark.key = told.value ->> 0 AND session_mark.notices = told.value ->> 1`;

const NOTE_RETRY = `UPDATE session_mark SET noticed_ms = ?2, notices = notices + 1, retry_ms = NULL
  FROM json_each(?1) AS told WHERE session_mark.key = told.value ->> 0 AND session_mark.notices = told.value ->> 1`;

/** Sessions that are new or changed. */
export function noticesOfChanged(changed: readonly ChangedSession[], context: NoticeContext): Notices {
  const { hashing, device, source, partition_id, now_ms } = context;
  const keyed = changed.map((session) => ({
    ...session,
    key: session.key ?? conversationKey(hashing, device, session.archive, session.native_id),
  }));
  const rows = keyed.map((one) => [one.archive, one.native_id, one.mark, one.group, one.key, one.notices + 1]);
  return {
    entries: keyed.map((session) => entryOf({ ...session, partition_id }, context)),
    writes: [
      {
        sql: NOTE_CHANGED,
        parameters: [JSON.stringify(rows), source, partition_id, now_ms],
        expect_rows: rows.length,
      },
    ],
  };
}

/** Sessions that are not in their source any more. */
export function noticesOfAbsent(
  absent: readonly AbsentSession[],
  state: 'gone' | 'deleted',
  context: Pick<NoticeContext, 'now_ms'>,
): Notices {
  return {
    entries: absent.map((session) => entryOf(session, { ...context, is_backfill: false })),
    writes: [
      {
        sql: NOTE_ABSENT,
        parameters: [keysAndNotices(absent), state, context.now_ms],
        expect_rows: absent.length,
      },
    ],
  };
}

/** Sessions that were set aside and are to be read again. */
export function noticesOfRetries(sessions: readonly RetriedSession[], context: Pick<NoticeContext, 'now_ms'>): Notices {
  return {
    entries: sessions.map((session) => entryOf(session, { ...context, is_backfill: true })),
    writes: [{ sql: NOTE_RETRY, parameters: [keysAndNotices(sessions), context.now_ms], expect_rows: sessions.length }],
  };
}

function entryOf(
  session: { key: string; partition_id: number; group: string; notices: number },
  context: Pick<NoticeContext, 'now_ms' | 'is_backfill'>,
): NewEntry {
  const { key, partition_id, group, notices } = session;
  return {
    partition_id,
    key,
    // A counter and not the mark: a session whose mark comes back to a former value changed twice.
    cursor: `${key}.${notices + 1}`,
    subject: key,
    observed_ms: context.now_ms,
    // A mere notice: whoever serves the key looks up what is known of it now.
    payload: null,
    group,
    priority: context.is_backfill ? PRIORITY.backfill : PRIORITY.live,
  };
}

function keysAndNotices(sessions: readonly { key: string; notices: number }[]): string {
  return JSON.stringify(sessions.map(({ key, notices }) => [key, notices]));
}
