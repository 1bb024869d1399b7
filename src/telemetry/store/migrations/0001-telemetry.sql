-- The telemetry a team keeps: what agents did. Every key begins with the team, so that no query can be written over two.
-- Hashes that many rows share (workspace, session) are interned: an event row then costs 200 bytes less in table and indexes.

CREATE TABLE workspace (
  workspace_key  INTEGER PRIMARY KEY,
  team_id        TEXT NOT NULL,
  workspace_hash TEXT NOT NULL,
  -- Name in clear when the sender chose to send it (team.names); the latest wins.
  project_name   TEXT,
  UNIQUE (team_id, workspace_hash)
) STRICT;

-- One row per session that any item names. The first group comes from events (copies in forks included), the second from
-- POST /v1/sessions; both are joined at reading, so that either may come first or never.
CREATE TABLE session (
  session_key        INTEGER PRIMARY KEY,
  team_id            TEXT NOT NULL,
  session_id_hash    TEXT NOT NULL,
  event_first_ms     INTEGER,
  event_last_ms      INTEGER,
  event_workspace    INTEGER REFERENCES workspace (workspace_key),
  event_agent        TEXT,
  event_model        TEXT,
  event_member       TEXT,
  event_device       TEXT,
  -- JSON tuple by which the event that speaks for the session was chosen.
  event_rank         TEXT,
  -- Events of kind tool_call that the session owns.
  call_events        INTEGER NOT NULL DEFAULT 0,
  started_at_ms      INTEGER,
  last_at_ms         INTEGER,
  -- How recent the account is that the columns below come from.
  account_ms         INTEGER,
  ended_at_ms        INTEGER,
  status             TEXT,
  agent              TEXT,
  model              TEXT,
  agent_version      TEXT,
  title              TEXT,
  branch             TEXT,
  parent_session_id_hash TEXT,
  account_workspace  INTEGER REFERENCES workspace (workspace_key),
  member             TEXT,
  device             TEXT,
  received_ms        INTEGER NOT NULL,
  activity_ms        INTEGER GENERATED ALWAYS AS (max(coalesce(last_at_ms, 0), coalesce(event_last_ms, 0), coalesce(started_at_ms, 0))) VIRTUAL,
  UNIQUE (team_id, session_id_hash)
) STRICT;
CREATE INDEX session_by_activity ON session (team_id, activity_ms);

CREATE TABLE event (
  event_key             INTEGER PRIMARY KEY,
  team_id               TEXT NOT NULL,
  workspace_key         INTEGER NOT NULL REFERENCES workspace (workspace_key),
  session_key           INTEGER NOT NULL REFERENCES session (session_key),
  event_seq             INTEGER NOT NULL,
  origin_id_hash        TEXT,
  owner_rank            TEXT,
  subagent_id_hash      TEXT,
  ts_ms                 INTEGER NOT NULL,
  ts_exact              INTEGER,
  agent                 TEXT NOT NULL,
  model                 TEXT NOT NULL,
  kind                  TEXT NOT NULL,
  source                TEXT NOT NULL,
  tool                  TEXT,
  tool_call_id          TEXT,
  outcome               TEXT,
  tokens_in             INTEGER,
  tokens_out            INTEGER,
  reasoning_tokens      INTEGER,
  cache_read_tokens     INTEGER,
  cache_write_5m_tokens INTEGER,
  cache_write_1h_tokens INTEGER,
  web_searches          INTEGER,
  cost_usd_e6           INTEGER,
  price_date            TEXT,
  member                TEXT NOT NULL,
  device                TEXT NOT NULL,
  received_ms           INTEGER NOT NULL,
  -- Last, so that no figure has to be read past it when it overflows the page.
  payload               TEXT NOT NULL
) STRICT;
-- The contract's identity (telemetry specification §6.1), for events that name no origin.
CREATE UNIQUE INDEX event_identity ON event (team_id, workspace_key, session_key, event_seq) WHERE origin_id_hash IS NULL;
-- Ours: one row for all copies of an event (R4).
CREATE UNIQUE INDEX event_origin ON event (team_id, origin_id_hash) WHERE origin_id_hash IS NOT NULL;
CREATE INDEX event_by_session ON event (team_id, session_key, ts_ms);
CREATE INDEX event_tool_call ON event (team_id, session_key, tool_call_id, ts_ms) WHERE kind = 'tool_call';
CREATE INDEX event_tool_failure ON event (team_id, session_key, tool_call_id, ts_ms) WHERE kind = 'tool_result' AND outcome = 'failed';

CREATE TABLE tool_span (
  span_key         INTEGER PRIMARY KEY,
  team_id          TEXT NOT NULL,
  workspace_key    INTEGER NOT NULL REFERENCES workspace (workspace_key),
  session_key      INTEGER NOT NULL REFERENCES session (session_key),
  span_id_hash     TEXT NOT NULL,
  origin_id_hash   TEXT,
  owner_rank       TEXT,
  subagent_id_hash TEXT,
  tool             TEXT,
  tool_call_id     TEXT,
  status           TEXT NOT NULL,
  outcome          TEXT,
  started_at_ms    INTEGER,
  ended_at_ms      INTEGER,
  lead_time_ms     INTEGER,
  tokens_in        INTEGER,
  tokens_out       INTEGER,
  reasoning_tokens INTEGER,
  cost_usd_e6      INTEGER,
  -- JSON array, sorted.
  path_hashes      TEXT NOT NULL,
  member           TEXT NOT NULL,
  device           TEXT NOT NULL,
  received_ms      INTEGER NOT NULL,
  at_ms            INTEGER GENERATED ALWAYS AS (coalesce(started_at_ms, ended_at_ms, 0)) VIRTUAL
) STRICT;
CREATE UNIQUE INDEX tool_span_identity ON tool_span (team_id, workspace_key, span_id_hash) WHERE origin_id_hash IS NULL;
CREATE UNIQUE INDEX tool_span_origin ON tool_span (team_id, origin_id_hash) WHERE origin_id_hash IS NOT NULL;
CREATE INDEX tool_span_by_call ON tool_span (team_id, session_key, tool_call_id);

-- A call is recorded up to three times: as call, as result and as span. Here it is once, told by its id in its session.
CREATE TABLE tool_call (
  team_id       TEXT NOT NULL,
  session_key   INTEGER NOT NULL REFERENCES session (session_key),
  call_id       TEXT NOT NULL,
  workspace_key INTEGER NOT NULL,
  quarter_ms    INTEGER NOT NULL,
  agent         TEXT NOT NULL,
  model         TEXT NOT NULL,
  tool          TEXT NOT NULL,
  called        INTEGER NOT NULL,
  failed        INTEGER NOT NULL,
  PRIMARY KEY (team_id, session_key, call_id)
) STRICT, WITHOUT ROWID;

-- What reports read: events, calls and spans summed by quarter hour. Kept by the transactions that change those, by
-- adding differences; about 25 rows for a thousand events. Sums are REAL so that absurd figures of a sender lose
-- precision instead of overflowing; below 2^53 they are exact.
CREATE TABLE usage (
  team_id           TEXT NOT NULL,
  session_key       INTEGER NOT NULL REFERENCES session (session_key),
  quarter_ms        INTEGER NOT NULL,
  workspace_key     INTEGER NOT NULL,
  agent             TEXT NOT NULL,
  model             TEXT NOT NULL,
  tool              TEXT NOT NULL,
  price_date        TEXT NOT NULL,
  events            INTEGER NOT NULL,
  tokens_in         REAL NOT NULL,
  tokens_in_known   INTEGER NOT NULL,
  tokens_out        REAL NOT NULL,
  tokens_out_known  INTEGER NOT NULL,
  cache_read        REAL NOT NULL,
  cache_read_known  INTEGER NOT NULL,
  cache_write       REAL NOT NULL,
  cache_write_known INTEGER NOT NULL,
  cost_usd_e6       REAL NOT NULL,
  cost_known        INTEGER NOT NULL,
  unpriced          INTEGER NOT NULL,
  calls             INTEGER NOT NULL,
  failures          INTEGER NOT NULL,
  -- Of spans without a call id: they count only in sessions that have no call among their events.
  span_calls        INTEGER NOT NULL,
  span_failures     INTEGER NOT NULL,
  PRIMARY KEY (team_id, session_key, quarter_ms, workspace_key, agent, model, tool, price_date)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_by_time ON usage (team_id, quarter_ms);

-- Batch idempotency (telemetry specification §6.1): a key is remembered with the decoded body it came with.
CREATE TABLE idempotency_key (
  team_id     TEXT NOT NULL,
  key         TEXT NOT NULL,
  kind        TEXT NOT NULL,
  body_sha256 BLOB NOT NULL,
  received    INTEGER NOT NULL,
  deduped     INTEGER NOT NULL,
  created_ms  INTEGER NOT NULL,
  PRIMARY KEY (team_id, key)
) STRICT;
CREATE INDEX idempotency_key_by_age ON idempotency_key (created_ms);
