-- What people say of commits and pull requests of a session, over what is found in its text: kept apart from that, so that
-- no new reading of the session loses it.
CREATE TABLE session_link_assertion (
  key        TEXT NOT NULL,
  kind       TEXT NOT NULL CHECK (kind IN ('commit', 'pull_request')),
  -- A commit's id as it was given, or the canonical address of a request.
  target     TEXT NOT NULL,
  repository TEXT,
  -- 0: there is no such link, whatever the text shows.
  is_linked  INTEGER NOT NULL CHECK (is_linked IN (0, 1)),
  at_ms      INTEGER NOT NULL,
  PRIMARY KEY (key, target)
) STRICT, WITHOUT ROWID;
