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
