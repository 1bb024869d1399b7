-- What capture must remember beside the journal, in the journal's own file, so that it commits with the entries.

-- Which session owns an event, and the greatest usage seen of it. Agents copy whole conversations into new files
-- (fork, resume); a copy whose original is known adds nothing and is not appended. The key begins with the event's hour,
-- which copies keep: events that come together then lie together, where a hash alone dirtied a page of 4 KiB for each.
CREATE TABLE telemetry_origin (
  origin BLOB PRIMARY KEY,
  -- 52 bits of a hash of the native id.
  session INTEGER NOT NULL,
  owner_rank TEXT NOT NULL,
  usage_weight INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Tool spans as they are known so far; hooks and transcripts both feed them, joined by call id.
CREATE TABLE telemetry_span (
  session TEXT NOT NULL,
  span_key TEXT NOT NULL,
  state TEXT NOT NULL,
  -- Start of a span that has no end yet; null once it is closed.
  open_since_ms INTEGER,
  PRIMARY KEY (session, span_key)
) STRICT;
CREATE INDEX telemetry_span_open ON telemetry_span (open_since_ms) WHERE open_since_ms IS NOT NULL;

-- A session as last appended, so that only a change of it is appended again.
CREATE TABLE telemetry_session (
  session TEXT PRIMARY KEY,
  agent TEXT NOT NULL,
  workspace TEXT NOT NULL,
  state TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Which salts were in force from when (R2): events before a team's salt began stay under the machine's.
CREATE TABLE telemetry_salt (
  salt_id TEXT PRIMARY KEY,
  began_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
