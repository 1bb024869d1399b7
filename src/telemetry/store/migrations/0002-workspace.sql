-- What the original client tells about a workspace itself. A server that refused these would block its queue for ever.

CREATE TABLE repo_snapshot_chunk (
  team_id          TEXT NOT NULL,
  workspace_key    INTEGER NOT NULL REFERENCES workspace (workspace_key),
  snapshot_id_hash TEXT NOT NULL,
  chunk_index      INTEGER NOT NULL,
  chunk_total      INTEGER NOT NULL,
  commit_hash      TEXT,
  indexed_at_ms    INTEGER NOT NULL,
  dirty            INTEGER NOT NULL,
  -- JSON arrays.
  file_facts       TEXT NOT NULL,
  edges            TEXT NOT NULL,
  member           TEXT NOT NULL,
  device           TEXT NOT NULL,
  received_ms      INTEGER NOT NULL,
  PRIMARY KEY (team_id, workspace_key, snapshot_id_hash, chunk_index)
) STRICT;

-- The latest account only: it carries no time of its own.
CREATE TABLE workspace_facts (
  team_id       TEXT NOT NULL,
  workspace_key INTEGER NOT NULL REFERENCES workspace (workspace_key),
  -- JSON arrays, sorted.
  skill_slugs   TEXT NOT NULL,
  rule_slugs    TEXT NOT NULL,
  member        TEXT NOT NULL,
  device        TEXT NOT NULL,
  received_ms   INTEGER NOT NULL,
  PRIMARY KEY (team_id, workspace_key)
) STRICT, WITHOUT ROWID;
