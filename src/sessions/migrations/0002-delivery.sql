-- What delivery remembers of each session beside the journal, in the journal's own file, so that it commits with the
-- settlement of its task. No text, no path (S3).

-- What the store of a destination has of a session, and which raw segments that came from.
CREATE TABLE session_link (
  destination_id TEXT NOT NULL,
  key TEXT NOT NULL,
  -- `stored`; `withdrawn`: taken back from there, and brought again only by a new share; `erased`: never again.
  state TEXT NOT NULL CHECK (state IN ('stored', 'withdrawn', 'erased')),
  -- Null: nothing of it is there.
  fingerprint TEXT,
  owner TEXT NOT NULL,
  -- What the masked form depends on besides the text: rules, salt, workspace. Another one: everything is masked again.
  rule_set TEXT NOT NULL,
  -- 20 bytes for each segment, ascending: index, raw hash (keyed, so that it tells nothing of the text), masked hash.
  segments BLOB NOT NULL,
  -- JSON: how often each rule fired, by segment; segments without a hit are left out.
  redactions TEXT NOT NULL,
  -- Where a difference that needs several puts goes on; null: it has all been put.
  next_index INTEGER,
  -- Since when the source has it no more, as the store was told.
  gone_since_ms INTEGER,
  stored_ms INTEGER NOT NULL,
  -- Moves with every change, so that a write meets the link it was made for.
  version INTEGER NOT NULL,
  PRIMARY KEY (destination_id, key)
) STRICT, WITHOUT ROWID;

-- What a person decided about one session, over what the configuration says.
CREATE TABLE session_choice (
  key TEXT PRIMARY KEY,
  choice TEXT NOT NULL CHECK (choice IN ('unshared', 'shared', 'erased')),
  at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The repository of a session, as long as its folder was there to ask: a folder that is removed later must change neither
-- who may see the session nor how it is masked.
CREATE TABLE session_project (
  key TEXT PRIMARY KEY,
  -- `host/owner/repository`; null: a folder without a remote.
  repository TEXT,
  -- How many folders the working directory lies below the checkout.
  depth INTEGER NOT NULL,
  -- 0: its `.syncline.toml` says that conversations stay.
  shares INTEGER NOT NULL CHECK (shares IN (0, 1))
) STRICT, WITHOUT ROWID;
