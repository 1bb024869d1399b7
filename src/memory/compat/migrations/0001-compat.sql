-- Nonces of signed requests, so that none has its effect twice (memory specification §3.1). `seen` is the order of arrival.
CREATE TABLE compat_nonce (
  seen INTEGER PRIMARY KEY AUTOINCREMENT,
  peer TEXT NOT NULL,
  nonce_hash BLOB NOT NULL,
  UNIQUE (peer, nonce_hash)
) STRICT;

CREATE INDEX compat_nonce_by_peer ON compat_nonce (peer, seen);

-- The order in which memories came to this node, behind the clock that old peers take for a cursor (`served-order.ts`).
-- `served_at` is the fixed-width time under which a memory is served, unlike any other's.
CREATE TABLE compat_served (
  memory_id TEXT PRIMARY KEY,
  served_at TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

-- The greatest time ever served. Grows only: rows that leave must not make it smaller.
CREATE TABLE compat_served_last (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  served_at TEXT NOT NULL
) STRICT;

-- How far each origin's operations were taken up into it.
CREATE TABLE compat_served_through (
  origin TEXT PRIMARY KEY,
  sequence INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What an old peer has of a memory, as far as we know: marks of its row, of ours when both said the same, and the greatest
-- `updated_at` known of it. `gone` says that the peer has archived or deleted it.
CREATE TABLE compat_peer_row (
  peer TEXT NOT NULL,
  memory_id TEXT NOT NULL,
  theirs TEXT,
  theirs_updated TEXT NOT NULL,
  ours TEXT,
  gone TEXT CHECK (gone IN ('archived', 'dead')),
  PRIMARY KEY (peer, memory_id)
) STRICT, WITHOUT ROWID;

-- Rows that an old peer has still to be told of, and how far the operations of each origin were looked through for them.
CREATE TABLE compat_outbox (
  queued INTEGER PRIMARY KEY AUTOINCREMENT,
  peer TEXT NOT NULL,
  row TEXT NOT NULL,
  key TEXT NOT NULL,
  operation TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  due_ms INTEGER NOT NULL DEFAULT 0,
  reason TEXT,
  -- Since when the peer is behind in this row.
  since_ms INTEGER NOT NULL,
  UNIQUE (peer, row, key)
) STRICT;

CREATE INDEX compat_outbox_due ON compat_outbox (peer, due_ms, queued);

CREATE TABLE compat_outbox_through (
  peer TEXT NOT NULL,
  origin TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  PRIMARY KEY (peer, origin)
) STRICT, WITHOUT ROWID;

-- Memories that a peer was, or may be, told of: only of these is it told that they are gone.
CREATE TABLE compat_shared (
  peer TEXT NOT NULL,
  memory_id TEXT NOT NULL,
  PRIMARY KEY (peer, memory_id)
) STRICT, WITHOUT ROWID;

-- How the exchange with a peer stands, each way (`push`, `pull`) by itself, and what its owner said of it.
CREATE TABLE compat_exchange (
  peer TEXT NOT NULL,
  way TEXT NOT NULL CHECK (way IN ('push', 'pull')),
  items INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  due_ms INTEGER NOT NULL DEFAULT 0,
  failing_since_ms INTEGER,
  last_success_ms INTEGER,
  last_error_ms INTEGER,
  last_error TEXT,
  PRIMARY KEY (peer, way)
) STRICT, WITHOUT ROWID;

CREATE TABLE compat_peer (
  peer TEXT PRIMARY KEY,
  paused INTEGER NOT NULL DEFAULT 0,
  -- Null: until somebody resumes it.
  paused_until_ms INTEGER,
  -- What may leave to it, as configured when it was last looked through.
  sharing TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

-- Items of old peers that came before what they need: links before memories, decisions before what was asked (D17).
CREATE TABLE compat_waiting (
  list TEXT NOT NULL,
  key TEXT NOT NULL,
  peer TEXT NOT NULL,
  item TEXT NOT NULL,
  since_ms INTEGER NOT NULL,
  PRIMARY KEY (list, key)
) STRICT, WITHOUT ROWID;

-- Deletions and archivings of memories that never came here: their store may be on its way behind them.
CREATE TABLE compat_early_end (
  memory_id TEXT PRIMARY KEY,
  peer TEXT NOT NULL,
  gone TEXT NOT NULL CHECK (gone IN ('archived', 'dead')),
  ended_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How far the rows of an old peer were pulled: the last `updated_at` as the peer spelled it, and when all were last looked at.
CREATE TABLE compat_pulled (
  peer TEXT PRIMARY KEY,
  since TEXT NOT NULL,
  whole_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
