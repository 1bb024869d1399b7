/**
 * Databases as each release of agentsview makes them (sessions specification §2), and the changes it makes to them. The
 * schema is written out here once more on purpose, so that the reader's own list of columns is checked against it.
 */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

/** What each release added, in order, with the data version that it writes. */
const STEPS: readonly { release: string; user_version: number; sql: string }[] = [
  {
    release: '0.8',
    user_version: 0,
    sql: `
      CREATE TABLE sessions (id TEXT PRIMARY KEY, project TEXT NOT NULL, machine TEXT NOT NULL DEFAULT 'local',
        agent TEXT NOT NULL DEFAULT 'claude', first_message TEXT, started_at TEXT, ended_at TEXT,
        message_count INTEGER NOT NULL DEFAULT 0);
      CREATE TABLE messages (id INTEGER PRIMARY KEY, session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        ordinal INTEGER NOT NULL, role TEXT NOT NULL, content TEXT NOT NULL, timestamp TEXT,
        has_thinking INTEGER NOT NULL DEFAULT 0, has_tool_use INTEGER NOT NULL DEFAULT 0, UNIQUE (session_id, ordinal));
      CREATE TABLE tool_calls (id INTEGER PRIMARY KEY,
        message_id INTEGER NOT NULL REFERENCES messages(id) ON DELETE CASCADE, session_id TEXT NOT NULL,
        tool_name TEXT NOT NULL, category TEXT NOT NULL);
      CREATE INDEX calls_by_session ON tool_calls(session_id);
      CREATE TABLE skipped_files (file_path TEXT PRIMARY KEY, file_mtime INTEGER NOT NULL);`,
  },
  {
    release: '0.10',
    user_version: 2,
    sql: `${columns('sessions', [
      'user_message_count INTEGER NOT NULL DEFAULT 0, file_path TEXT, file_size INTEGER, file_mtime INTEGER',
      "file_hash TEXT, parent_session_id TEXT, relationship_type TEXT NOT NULL DEFAULT ''",
      "created_at TEXT NOT NULL DEFAULT '2026-03-05T08:00:00.000Z'",
    ])}
      ${columns('messages', ['content_length INTEGER NOT NULL DEFAULT 0'])}
      ${columns('tool_calls', [
        'tool_use_id TEXT, input_json TEXT, skill_name TEXT, result_content_length INTEGER',
        'result_content TEXT, subagent_session_id TEXT',
      ])}`,
  },
  {
    release: '0.11',
    user_version: 2,
    sql: `${columns('sessions', ['display_name TEXT, deleted_at TEXT'])}
      CREATE TABLE starred_sessions (session_id TEXT PRIMARY KEY REFERENCES sessions(id) ON DELETE CASCADE,
        created_at TEXT NOT NULL DEFAULT '2026-03-10T00:00:00.000Z');
      CREATE TABLE pinned_messages (id INTEGER PRIMARY KEY, session_id TEXT NOT NULL, message_id INTEGER NOT NULL,
        ordinal INTEGER NOT NULL, note TEXT, created_at TEXT NOT NULL DEFAULT '2026-03-10T00:00:00.000Z',
        UNIQUE (session_id, message_id));
      CREATE TABLE excluded_sessions (id TEXT PRIMARY KEY,
        created_at TEXT NOT NULL DEFAULT '2026-03-10T00:00:00.000Z');`,
  },
  {
    release: '0.14',
    user_version: 4,
    sql: `${columns('sessions', ['total_output_tokens INTEGER NOT NULL DEFAULT 0, peak_context_tokens INTEGER NOT NULL DEFAULT 0'])}
      ${columns('messages', [
        "is_system INTEGER NOT NULL DEFAULT 0, model TEXT NOT NULL DEFAULT '', token_usage TEXT NOT NULL DEFAULT ''",
        'context_tokens INTEGER NOT NULL DEFAULT 0, output_tokens INTEGER NOT NULL DEFAULT 0',
      ])}`,
  },
  {
    release: '0.16',
    user_version: 5,
    sql: `${columns('sessions', ['local_modified_at TEXT'])}
      CREATE TABLE pg_sync_state (key TEXT PRIMARY KEY, value TEXT NOT NULL);`,
  },
  {
    release: '0.17',
    user_version: 6,
    sql: `CREATE TABLE tool_result_events (id INTEGER PRIMARY KEY, session_id TEXT NOT NULL,
        tool_call_message_ordinal INTEGER NOT NULL, call_index INTEGER NOT NULL DEFAULT 0, tool_use_id TEXT,
        agent_id TEXT, subagent_session_id TEXT, source TEXT NOT NULL, status TEXT NOT NULL, content TEXT NOT NULL,
        content_length INTEGER NOT NULL DEFAULT 0, timestamp TEXT, event_index INTEGER NOT NULL DEFAULT 0);
      CREATE INDEX events_by_session ON tool_result_events(session_id);`,
  },
  { release: '0.18', user_version: 7, sql: columns('sessions', ['is_automated INTEGER NOT NULL DEFAULT 0']) },
  {
    release: '0.23',
    user_version: 14,
    sql: `${columns('sessions', [
      "cwd TEXT NOT NULL DEFAULT '', git_branch TEXT NOT NULL DEFAULT '', source_session_id TEXT NOT NULL DEFAULT ''",
      "source_version TEXT NOT NULL DEFAULT '', data_version INTEGER NOT NULL DEFAULT 0",
      'is_truncated INTEGER NOT NULL DEFAULT 0',
    ])}
      ${columns('messages', [
        "thinking_text TEXT NOT NULL DEFAULT '', source_type TEXT NOT NULL DEFAULT '', source_subtype TEXT NOT NULL DEFAULT ''",
        "source_uuid TEXT NOT NULL DEFAULT '', source_parent_uuid TEXT NOT NULL DEFAULT ''",
        'is_sidechain INTEGER NOT NULL DEFAULT 0, is_compact_boundary INTEGER NOT NULL DEFAULT 0',
        "claude_message_id TEXT NOT NULL DEFAULT '', claude_request_id TEXT NOT NULL DEFAULT ''",
      ])}`,
  },
  { release: '0.27', user_version: 20, sql: columns('sessions', ['termination_status TEXT']) },
  {
    release: '0.30',
    user_version: 29,
    sql: 'CREATE TABLE secret_findings (id INTEGER PRIMARY KEY, session_id TEXT NOT NULL, rule_name TEXT NOT NULL);',
  },
  { release: '0.33', user_version: 39, sql: columns('sessions', ['session_name TEXT']) },
  { release: '0.34.2', user_version: 50, sql: columns('sessions', ['next_ordinal INTEGER NOT NULL DEFAULT 0']) },
  { release: '0.35', user_version: 57, sql: columns('tool_calls', ['file_path TEXT, call_index INTEGER']) },
  {
    release: '0.37.1',
    user_version: 60,
    sql: `CREATE TABLE archive_metadata (key TEXT PRIMARY KEY, value TEXT NOT NULL);
      INSERT INTO archive_metadata VALUES ('archive_id', 'archive-one'), ('database_id', 'database-one');`,
  },
  {
    release: '0.38',
    user_version: 62,
    sql: `${columns('sessions', ["transcript_revision TEXT NOT NULL DEFAULT '0'"])}
      CREATE TABLE session_project_identity_snapshots (session_id TEXT PRIMARY KEY, project TEXT NOT NULL DEFAULT '',
        root_path TEXT NOT NULL DEFAULT '', git_remote TEXT NOT NULL DEFAULT '', worktree_name TEXT NOT NULL DEFAULT '',
        git_branch TEXT NOT NULL DEFAULT '', normalized_remote TEXT NOT NULL DEFAULT '');`,
  },
  {
    release: '0.39',
    user_version: 70,
    sql: `${columns('sessions', [
      "sync_marker TEXT, deletion_cause TEXT, agent_label TEXT NOT NULL DEFAULT '', entrypoint TEXT NOT NULL DEFAULT ''",
    ])}
      CREATE INDEX sessions_by_marker ON sessions(sync_marker);
      CREATE TABLE session_deletion_changes (session_id TEXT PRIMARY KEY, project TEXT NOT NULL,
        revision INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0);
      ${markerTrigger('INSERT')}
      ${markerTrigger('UPDATE OF created_at, local_modified_at, ended_at, started_at, file_mtime')}
      ${journalTrigger('deleted', 'AFTER DELETE ON sessions', 'OLD', 1)}
      ${journalTrigger(
        'returned',
        'AFTER INSERT ON sessions WHEN EXISTS (SELECT 1 FROM session_deletion_changes WHERE session_id = NEW.id)',
        'NEW',
        0,
      )}`,
  },
  {
    release: '0.40',
    user_version: 79,
    sql: `${columns('sessions', ["session_kind TEXT NOT NULL DEFAULT '', parser_parent_session_id TEXT"])}
      ${columns('messages', ["prompt_source TEXT NOT NULL DEFAULT ''"])}`,
  },
  {
    release: '0.41',
    user_version: 88,
    sql: 'CREATE TABLE provider_freshness (provider TEXT PRIMARY KEY, checked_at TEXT NOT NULL);',
  },
];

export const RELEASES: readonly string[] = STEPS.map(({ release }) => release);
export const NEWEST_RELEASE = '0.41';

type Values = Record<string, SQLInputValue>;

/**
 * agentsview as a writer: the file in WAL mode, as it keeps it. Columns that the release does not have are left out, so
 * that one test runs on all releases.
 */
export class AgentsviewWriter implements Disposable {
  readonly database: DatabaseSync;

  /** Opens `path`; with a release, makes its tables first. */
  constructor(path: string, release: string | null = NEWEST_RELEASE) {
    this.database = new DatabaseSync(path, { timeout: 5_000, enableForeignKeyConstraints: true });
    this.database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;');
    if (release !== null) this.upgrade(release);
  }

  /** Brings the schema to a release in place, step by step, as agentsview does since it no longer recreates. */
  upgrade(release: string, from: string | null = null): void {
    const last = RELEASES.indexOf(release);
    for (const step of STEPS.slice(from === null ? 0 : RELEASES.indexOf(from) + 1, last + 1)) {
      this.database.exec(step.sql);
      this.database.exec(`PRAGMA user_version=${step.user_version}`);
    }
  }

  session(id: string, values: Values = {}): void {
    this.insert('sessions', { id, project: 'shop', created_at: '2026-03-05T08:00:00.000Z', ...values });
  }

  /** Appends one message as a parser does, with the row's counts and revision in the same transaction. */
  message(session_id: string, ordinal: number, values: Values = {}): number {
    const { content = `text ${ordinal}` } = values;
    const length = typeof content === 'string' ? content.length : 0;
    return this.transaction(() => {
      const row = { session_id, ordinal, role: 'user', content, content_length: length, ...values };
      const id = this.insert('messages', row);
      this.#touch(session_id);
      return id;
    });
  }

  call(session_id: string, message_id: number, values: Values = {}): number {
    return this.insert('tool_calls', { session_id, message_id, tool_name: 'Bash', category: 'Bash', ...values });
  }

  event(session_id: string, ordinal: number, values: Values = {}): number {
    const row = { session_id, tool_call_message_ordinal: ordinal, source: 'tool_execution', status: 'completed' };
    return this.insert('tool_result_events', { ...row, content: '', ...values });
  }

  /** Inserts what the release has columns for; returns the row id. */
  insert(table: string, values: Values): number {
    const present = Object.entries(values).filter(([column]) => this.#columns(table).has(column));
    const names = present.map(([column]) => `"${column}"`).join(', ');
    const marks = present.map(() => '?').join(', ');
    const statement = this.database.prepare(`INSERT INTO ${table} (${names}) VALUES (${marks})`);
    return Number(statement.run(...present.map(([, value]) => value)).lastInsertRowid);
  }

  run(sql: string, ...parameters: SQLInputValue[]): void {
    this.database.prepare(sql).run(...parameters);
  }

  transaction<T>(work: () => T): T {
    this.database.exec('BEGIN IMMEDIATE');
    const result = work();
    this.database.exec('COMMIT');
    return result;
  }

  close(): void {
    if (this.database.isOpen) this.database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #touch(session_id: string): void {
    this.run('UPDATE sessions SET message_count = message_count + 1 WHERE id = ?', session_id);
    if (this.#columns('sessions').has('transcript_revision'))
      this.run(
        'UPDATE sessions SET transcript_revision = CAST(transcript_revision + 1 AS TEXT) WHERE id = ?',
        session_id,
      );
  }

  #columns(table: string): Set<string> {
    const rows = this.database.prepare('SELECT name FROM pragma_table_info(?)').all(table);
    return new Set(rows.map(({ name }) => String(name)));
  }
}

/** One conversation that uses everything a release knows: two calls, one late result, events, a star and a pin. */
export function writeConversation(writer: AgentsviewWriter, release: string, id = 'S1'): void {
  writer.session(id, {
    ...{ agent: 'claude', machine: 'laptop', first_message: 'fix the tests', display_name: 'Green tests' },
    ...{ session_name: 'test-fixes', started_at: '2026-03-05T08:00:00Z', ended_at: '2026-03-05T09:00:00Z' },
    ...{ user_message_count: 1, file_path: '/x/S1.jsonl', file_size: 100, file_mtime: 1_772_697_600_000_000_001n },
    ...{ file_hash: 'aa', relationship_type: 'continuation', parent_session_id: 'S0', total_output_tokens: 7 },
    ...{ peak_context_tokens: 9, cwd: '/home/ada/shop', git_branch: 'main', termination_status: 'clean' },
  });
  writer.message(id, 0, { role: 'user', content: 'fix the tests', timestamp: '2026-03-05T08:00:00Z' });
  const second = writer.message(id, 2, {
    ...{ role: 'assistant', content: '[Bash]\n$ npm test', has_tool_use: 1, model: 'opus', thinking_text: 'hm' },
    ...{ token_usage: '{"output_tokens":7}', output_tokens: 7, source_uuid: 'u-2', prompt_source: 'typed' },
  });
  writer.call(id, second, { tool_use_id: 't1', input_json: '{"command":"npm test"}', call_index: 0 });
  writer.call(id, second, {
    ...{ tool_name: 'Read', category: 'Read', tool_use_id: 't2', input_json: '{}', call_index: 1 },
    ...{ result_content_length: 42 },
  });
  writer.run('UPDATE tool_calls SET tool_name = tool_name WHERE session_id = ?', id);
  if (RELEASES.indexOf(release) >= RELEASES.indexOf('0.10'))
    writer.run("UPDATE tool_calls SET result_content = 'ok', result_content_length = 2 WHERE category = 'Bash'");
  if (RELEASES.indexOf(release) >= RELEASES.indexOf('0.11')) {
    writer.insert('starred_sessions', { session_id: id });
    writer.insert('pinned_messages', { session_id: id, message_id: second, ordinal: 2, note: 'here' });
  }
  if (RELEASES.indexOf(release) >= RELEASES.indexOf('0.17')) {
    writer.event(id, 2, { call_index: 0, tool_use_id: 't1', content: 'second', event_index: 1 });
    writer.event(id, 2, { call_index: 0, tool_use_id: 't1', content: 'first', event_index: 0 });
  }
  if (RELEASES.indexOf(release) >= RELEASES.indexOf('0.38'))
    writer.insert('session_project_identity_snapshots', {
      session_id: id,
      normalized_remote: 'github.com/acme/shop',
      git_remote: 'https://ada:hunter2@github.com/acme/shop.git',
    });
}

function columns(table: string, lists: string[]): string {
  return lists
    .join(', ')
    .split(', ')
    .map((column) => `ALTER TABLE ${table} ADD COLUMN ${column};`)
    .join('\n');
}

/** §2.3: the greatest of five times as UTC text with milliseconds; what is no time counts as empty. */
function markerTrigger(event: string): string {
  const time = (value: string, modifier = ''): string =>
    `coalesce(strftime('%Y-%m-%dT%H:%M:%fZ', ${value}${modifier}), '')`;
  const times = ['created_at', 'local_modified_at', 'ended_at', 'started_at'].map((column) => time(`NEW.${column}`));
  return `CREATE TRIGGER marker_${event.split(' ')[0]} AFTER ${event} ON sessions BEGIN
    UPDATE sessions SET sync_marker = max(${[...times, time('NEW.file_mtime / 1000000000.0', ", 'unixepoch'")].join(', ')})
    WHERE id = NEW.id; END;`;
}

/** §2.3: each hard deletion, and each return of a deleted session, under the next revision. */
function journalTrigger(name: string, when: string, row: string, deleted: number): string {
  return `CREATE TRIGGER journal_${name} ${when} BEGIN
    INSERT INTO session_deletion_changes (session_id, project, revision, deleted)
    SELECT ${row}.id, ${row}.project, coalesce(max(revision), 0) + 1, ${deleted} FROM session_deletion_changes WHERE true
    ON CONFLICT (session_id) DO UPDATE SET revision = excluded.revision, deleted = excluded.deleted; END;`;
}
