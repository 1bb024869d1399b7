-- Tokens of members and devices (R6). The secret itself is nowhere.
CREATE TABLE token (
  token_id      TEXT PRIMARY KEY,
  team_id       TEXT NOT NULL,
  member        TEXT NOT NULL,
  device        TEXT NOT NULL,
  -- JSON array of scopes.
  scopes        TEXT NOT NULL,
  secret_sha256 BLOB NOT NULL,
  created_ms    INTEGER NOT NULL,
  last_used_ms  INTEGER,
  revoked_ms    INTEGER
) STRICT;
CREATE INDEX token_by_team ON token (team_id, created_ms);
