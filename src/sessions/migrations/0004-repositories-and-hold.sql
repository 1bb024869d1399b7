-- What repositories said about sharing, so that a word that comes later is heard without a change of any session; and what
-- is on hold, so that it is known as such after a start. No text, no path (S3).

-- Which checkout a session is of: a keyed digest of its folder. The folder itself stands sealed in session_checkout (0006).
ALTER TABLE session_project ADD COLUMN checkout TEXT;
CREATE INDEX session_project_checkout ON session_project (checkout) WHERE checkout IS NOT NULL;

-- One row for each checkout of which something may be at a team's store.
CREATE TABLE session_checkout (
  checkout TEXT PRIMARY KEY,
  -- Size and times of its `.syncline.toml` when that was last read; '' before.
  mark TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Keys that a destination gets later, so that they can be withdrawn before.
CREATE TABLE session_hold (
  destination_id TEXT NOT NULL,
  key TEXT NOT NULL,
  until_ms INTEGER NOT NULL,
  -- When that was said; a clock that stands before it has stepped back since.
  noted_ms INTEGER NOT NULL,
  -- Keyed digest of the title and branch as they are now, and since when they are known to be so.
  head TEXT NOT NULL,
  head_since_ms INTEGER NOT NULL,
  PRIMARY KEY (destination_id, key)
) STRICT, WITHOUT ROWID;

-- Keyed digest of the title and branch that the store was told; '': it was told none, because they are on hold; null: not known.
ALTER TABLE session_link ADD COLUMN told_head TEXT;
