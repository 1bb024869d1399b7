-- What members share (merged from operations, `state` is the canonical text) and what this member keeps for itself.
-- Times are epoch milliseconds, stamps the text of clock/stamp.ts.

-- One row an id, tombstones included. The columns beside `state` are made from it and serve queries.
CREATE TABLE memory (
  memory_key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL CHECK (status IN ('unseen', 'live', 'archived', 'dead')),
  -- First 48 bits of a hash of the key, and 64 bits of one of the row: the digest tree.
  place INTEGER NOT NULL,
  hash BLOB NOT NULL,
  dead TEXT NOT NULL,
  life TEXT NOT NULL,
  namespace TEXT NOT NULL,
  title TEXT NOT NULL,
  tier TEXT NOT NULL,
  priority INTEGER NOT NULL,
  confidence REAL NOT NULL,
  created_ms INTEGER NOT NULL,
  updated TEXT NOT NULL,
  expires_ms INTEGER,
  archived TEXT,
  agent_id TEXT,
  scope TEXT,
  state TEXT NOT NULL
) STRICT;
CREATE INDEX memory_by_place ON memory (place, hash);
CREATE INDEX memory_by_title ON memory (namespace, title, life) WHERE status = 'live';
CREATE INDEX memory_by_rank ON memory (priority DESC, updated DESC) WHERE status = 'live';
CREATE INDEX memory_by_expiry ON memory (expires_ms) WHERE status = 'live' AND expires_ms IS NOT NULL;
CREATE INDEX memory_archived ON memory (archived) WHERE status = 'archived';
CREATE INDEX memory_dead ON memory (dead) WHERE dead <> '';

-- Terms of live memories; the texts stand in `state` alone.
CREATE VIRTUAL TABLE memory_text USING fts5 (
  title, content, tags, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
);

CREATE TABLE link (
  key TEXT PRIMARY KEY,
  source_id TEXT NOT NULL,
  target_id TEXT NOT NULL,
  relation TEXT NOT NULL,
  present INTEGER NOT NULL,
  stamp TEXT NOT NULL,
  place INTEGER NOT NULL,
  hash BLOB NOT NULL,
  state TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX link_by_place ON link (place, hash);
CREATE INDEX link_by_source ON link (source_id);
CREATE INDEX link_by_target ON link (target_id);

-- Rows of which there are few: pending actions, standards of namespaces, the floor.
CREATE TABLE coordination (
  row TEXT NOT NULL CHECK (row IN ('pending', 'namespace', 'floor')),
  key TEXT NOT NULL,
  place INTEGER NOT NULL,
  hash BLOB NOT NULL,
  state TEXT NOT NULL,
  PRIMARY KEY (row, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX coordination_by_place ON coordination (place, hash);

-- This member's own.
CREATE TABLE clock (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  ms INTEGER NOT NULL,
  counter INTEGER NOT NULL
) STRICT;
INSERT INTO clock VALUES (1, 0, 0);

CREATE TABLE idempotency (
  key TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  outcome TEXT NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX idempotency_by_age ON idempotency (at_ms);

CREATE TABLE access (
  memory_key INTEGER PRIMARY KEY,
  count INTEGER NOT NULL,
  last_ms INTEGER NOT NULL
) STRICT;

-- Operations that could not be taken: the first of its origin after what the vector counts.
CREATE TABLE parked (
  origin TEXT PRIMARY KEY,
  sequence INTEGER NOT NULL,
  text TEXT NOT NULL,
  reason TEXT NOT NULL,
  since_ms INTEGER NOT NULL
) STRICT;
