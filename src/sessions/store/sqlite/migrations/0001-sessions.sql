-- The conversations of all teams, masked. Every read begins at `session`, whose team it names.
--
-- Ids of messages and documents hold the session and the ordinal (ids.ts), so that everything of a session, or of one of
-- its segments, is one range of each table.

CREATE TABLE session (
  session_id         INTEGER PRIMARY KEY,
  team_id            TEXT NOT NULL,
  key                TEXT NOT NULL,
  -- Of the session's whole tree: 61 bits of a hash of its root's key. Copies without an id of their own are copies within it.
  tree               INTEGER NOT NULL,
  started_at_ms      INTEGER,
  relationship       TEXT NOT NULL,
  presence           TEXT NOT NULL,
  is_automated       INTEGER NOT NULL,
  user_message_count INTEGER NOT NULL,
  starred            INTEGER NOT NULL,
  agent              TEXT NOT NULL,
  member             TEXT NOT NULL,
  device             TEXT NOT NULL,
  project            TEXT NOT NULL,
  models             TEXT NOT NULL,
  parent_key         TEXT,
  native_id          TEXT NOT NULL,
  owner              TEXT NOT NULL,
  fingerprint        TEXT NOT NULL,
  arriving           INTEGER NOT NULL,
  stored_at_ms       INTEGER NOT NULL,
  commits            INTEGER NOT NULL DEFAULT 0,
  pull_requests      INTEGER NOT NULL DEFAULT 0,
  redactions         TEXT NOT NULL,
  -- What lists are sorted by: those without a start come last.
  start_order        INTEGER NOT NULL GENERATED ALWAYS AS (coalesce(started_at_ms, -8640000000000001)) VIRTUAL,
  UNIQUE (team_id, key)
) STRICT;

CREATE INDEX session_by_start ON session (team_id, start_order, key);
CREATE INDEX session_by_native_id ON session (team_id, native_id);
CREATE INDEX session_by_project ON session (team_id, project);
CREATE INDEX session_by_tree ON session (team_id, tree);
CREATE INDEX session_by_parent ON session (team_id, parent_key) WHERE parent_key IS NOT NULL;

-- The whole head as JSON, as it came; apart, so that many rows of `session` fit into a page: a search looks at one for each match.
CREATE TABLE session_head (
  session_id INTEGER PRIMARY KEY,
  head       TEXT NOT NULL
) STRICT;

CREATE TABLE segment (
  session_id    INTEGER NOT NULL,
  segment_index INTEGER NOT NULL,
  hash          TEXT NOT NULL,
  messages      INTEGER NOT NULL,
  PRIMARY KEY (session_id, segment_index)
) STRICT, WITHOUT ROWID;

CREATE TABLE message (
  message_id   INTEGER PRIMARY KEY,
  -- The same in every copy of the message; with `in_tree` = 1 only within one tree.
  turn         INTEGER NOT NULL,
  in_tree      INTEGER NOT NULL,
  timestamp_ms INTEGER,
  -- JSON, with an empty list of tool calls in its place: text in JSON keeps NUL and lone surrogates.
  body         TEXT NOT NULL
) STRICT;

CREATE TABLE tool_call (
  call_id    INTEGER PRIMARY KEY,
  message_id INTEGER NOT NULL,
  position   INTEGER NOT NULL,
  tool_name  TEXT NOT NULL,
  category   TEXT NOT NULL,
  -- Of calls that edit a file: its path with slashes, and the last part of it.
  edited     TEXT,
  file_name  TEXT,
  body       TEXT NOT NULL,
  UNIQUE (message_id, position)
) STRICT;

CREATE INDEX tool_call_by_file ON tool_call (file_name) WHERE file_name IS NOT NULL;

CREATE TABLE git_link (
  link_id    INTEGER PRIMARY KEY,
  session_id INTEGER NOT NULL,
  message_id INTEGER NOT NULL,
  kind       TEXT NOT NULL,
  sha        TEXT,
  url        TEXT,
  repository TEXT,
  branch     TEXT,
  -- 0 high, 1 medium, 2 low.
  doubt      INTEGER NOT NULL
) STRICT;

CREATE INDEX git_link_by_message ON git_link (message_id);
CREATE INDEX git_link_by_sha ON git_link (sha) WHERE sha IS NOT NULL;
CREATE INDEX git_link_by_url ON git_link (url) WHERE url IS NOT NULL;

-- One row for each row of the index: what ranking and counting need of it, apart from the texts.
CREATE TABLE document (
  document_id INTEGER PRIMARY KEY,
  turn        INTEGER NOT NULL,
  in_tree     INTEGER NOT NULL,
  at_ms       INTEGER NOT NULL
) STRICT;

CREATE INDEX document_by_turn ON document (turn);

-- The index without the texts: they stand once, in message and tool_call. What goes in are terms (search/tokens.ts) with
-- spaces between them; the tokenizer only splits at these.
CREATE VIRTUAL TABLE search USING fts5 (
  title, person, reply, thinking, tool_input, tool_output,
  content = '', contentless_delete = 1, tokenize = "ascii tokenchars '='"
);
-- Titles and what a person said stand above what a model said, that above what tools printed.
INSERT INTO search (search, rank) VALUES ('rank', 'bm25(10.0, 5.0, 2.0, 1.0, 1.0, 0.5)');

-- What a person withdrew. `unshared` is lifted by a new share, `erased` never.
CREATE TABLE tombstone (
  team_id TEXT NOT NULL,
  key     TEXT NOT NULL,
  owner   TEXT NOT NULL,
  reason  TEXT NOT NULL CHECK (reason IN ('unshared', 'erased')),
  at_ms   INTEGER NOT NULL,
  PRIMARY KEY (team_id, key)
) STRICT, WITHOUT ROWID;
