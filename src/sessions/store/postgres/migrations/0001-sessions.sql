-- The conversations of all teams, masked. Every read begins at `session`, whose team it names.
--
-- Texts compare by bytes (COLLATE "C"): keys are looked up by their beginnings, whatever the locale of the database is.

CREATE SEQUENCE syncline_sessions.session_id;

CREATE TABLE syncline_sessions.session (
  session_id         bigint PRIMARY KEY,
  team_id            text COLLATE "C" NOT NULL,
  key                text COLLATE "C" NOT NULL,
  -- Of the session's whole tree: 61 bits of a hash of its root's key. Copies without an id of their own are copies within it.
  tree               bigint NOT NULL,
  started_at_ms      bigint,
  relationship       text COLLATE "C" NOT NULL,
  presence           text COLLATE "C" NOT NULL,
  is_automated       boolean NOT NULL,
  user_message_count bigint NOT NULL,
  starred            boolean NOT NULL,
  agent              text COLLATE "C" NOT NULL,
  member             text COLLATE "C" NOT NULL,
  device             text COLLATE "C" NOT NULL,
  project            text COLLATE "C" NOT NULL,
  models             text[] NOT NULL,
  parent_key         text COLLATE "C",
  native_id          text COLLATE "C" NOT NULL,
  owner              text COLLATE "C" NOT NULL,
  fingerprint        text COLLATE "C" NOT NULL,
  arriving           boolean NOT NULL,
  stored_at_ms       bigint NOT NULL,
  commits            integer NOT NULL,
  pull_requests      integer NOT NULL,
  redacted_rules     text[] NOT NULL,
  redacted_counts    bigint[] NOT NULL,
  -- The whole head as JSON, as it came: text, as jsonb has no place for NUL.
  head               text NOT NULL,
  -- What lists are sorted by: those without a start come last.
  start_order        bigint NOT NULL GENERATED ALWAYS AS (coalesce(started_at_ms, -8640000000000001)) STORED,
  UNIQUE (team_id, key)
);

CREATE INDEX session_by_start ON syncline_sessions.session (team_id, start_order, key);
CREATE INDEX session_by_native_id ON syncline_sessions.session (team_id, native_id);
CREATE INDEX session_by_project ON syncline_sessions.session (team_id, project);
CREATE INDEX session_by_tree ON syncline_sessions.session (team_id, tree);
CREATE INDEX session_by_parent ON syncline_sessions.session (team_id, parent_key) WHERE parent_key IS NOT NULL;

CREATE TABLE syncline_sessions.segment (
  session_id    bigint NOT NULL,
  segment_index integer NOT NULL,
  hash          text COLLATE "C" NOT NULL,
  messages      integer NOT NULL,
  PRIMARY KEY (session_id, segment_index)
);

CREATE TABLE syncline_sessions.message (
  session_id   bigint NOT NULL,
  ordinal      integer NOT NULL,
  -- The same in every copy of the message; with `in_tree` = 1 only within one tree.
  turn         bigint NOT NULL,
  in_tree      smallint NOT NULL,
  timestamp_ms bigint,
  -- JSON, with an empty list of tool calls in its place: text in JSON keeps NUL and lone surrogates.
  body         text NOT NULL,
  PRIMARY KEY (session_id, ordinal)
);

CREATE INDEX message_by_turn ON syncline_sessions.message (turn);

CREATE TABLE syncline_sessions.tool_call (
  session_id bigint NOT NULL,
  ordinal    integer NOT NULL,
  position   integer NOT NULL,
  tool_name  text COLLATE "C" NOT NULL,
  category   text COLLATE "C" NOT NULL,
  -- Of calls that edit a file: its path with slashes, and the last part of it.
  edited     text COLLATE "C",
  file_name  text COLLATE "C",
  body       text NOT NULL,
  PRIMARY KEY (session_id, ordinal, position)
);

CREATE INDEX tool_call_by_file ON syncline_sessions.tool_call (file_name) WHERE file_name IS NOT NULL;

CREATE TABLE syncline_sessions.git_link (
  link_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  session_id bigint NOT NULL,
  ordinal    integer NOT NULL,
  kind       text COLLATE "C" NOT NULL,
  sha        text COLLATE "C",
  url        text COLLATE "C",
  repository text COLLATE "C",
  branch     text COLLATE "C",
  -- 0 high, 1 medium, 2 low.
  doubt      smallint NOT NULL
);

CREATE INDEX git_link_by_message ON syncline_sessions.git_link (session_id, ordinal);
CREATE INDEX git_link_by_sha ON syncline_sessions.git_link (sha) WHERE sha IS NOT NULL;
CREATE INDEX git_link_by_url ON syncline_sessions.git_link (url) WHERE url IS NOT NULL;

-- The texts of a segment as terms (search/tokens.ts): which ones it has, for the index, and where they stand, for ranking
-- and phrases (block.ts). Segment -1 is the title.
CREATE TABLE syncline_sessions.text_block (
  session_id    bigint NOT NULL,
  segment_index integer NOT NULL,
  documents     integer NOT NULL,
  tokens        integer NOT NULL,
  -- It has more terms than `terms` has place for: it is looked at in every search.
  is_partial    boolean NOT NULL,
  -- The beginnings of the sections of `postings`, from 1.
  bounds        integer[] NOT NULL,
  terms         tsvector NOT NULL,
  postings      bytea NOT NULL,
  -- With what ranking asks of all blocks.
  PRIMARY KEY (session_id, segment_index) INCLUDE (documents, tokens)
);

-- Uncompressed, so that a section is read without the others, and written without the work.
ALTER TABLE syncline_sessions.text_block
  ALTER COLUMN terms SET STORAGE EXTERNAL,
  ALTER COLUMN postings SET STORAGE EXTERNAL,
  -- Counting the terms of samples takes longer than it helps: how rare a term is, the index knows.
  ALTER COLUMN terms SET STATISTICS 0;

CREATE INDEX text_block_terms ON syncline_sessions.text_block USING gin (terms);
CREATE INDEX text_block_partial ON syncline_sessions.text_block (session_id) WHERE is_partial;

-- What a person withdrew. `unshared` is lifted by a new share, `erased` never.
CREATE TABLE syncline_sessions.tombstone (
  team_id text COLLATE "C" NOT NULL,
  key     text COLLATE "C" NOT NULL,
  owner   text COLLATE "C" NOT NULL,
  reason  text COLLATE "C" NOT NULL CHECK (reason IN ('unshared', 'erased')),
  at_ms   bigint NOT NULL,
  PRIMARY KEY (team_id, key)
);

-- `treeOf` of message-texts.ts.
CREATE FUNCTION syncline_sessions.tree_of(root_key text) RETURNS bigint IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
  SELECT (('x' || encode(substr(sha256(convert_to('tree ' || root_key, 'UTF8')), 1, 8), 'hex'))::bit(64) >> 3)::bigint
$$;
