-- What capture knows of sessions and of the places it reads them from. No text of a conversation. Times are epoch ms.

-- One row for each place sessions are read from, by its name.
CREATE TABLE session_source (
  name TEXT PRIMARY KEY,
  -- Of the last finished round, whatever epoch the journal's source is in: a round that begins an epoch may be cut off.
  checkpoint TEXT,
  -- Version of the program's reading at the last whole comparison; a newer program compares every session again.
  reading_version INTEGER NOT NULL DEFAULT 0,
  -- How often somebody asked for a whole comparison, and how many of these requests are done.
  force_requested INTEGER NOT NULL DEFAULT 0,
  force_done INTEGER NOT NULL DEFAULT 0,
  last_round_ms INTEGER,
  -- When a round last found something to say.
  last_change_ms INTEGER,
  -- Set while so many sessions are missing at once that nothing is believed (R12).
  paused_since_ms INTEGER,
  paused_vanished INTEGER,
  paused_known INTEGER,
  -- The operator said that they are gone indeed; the next round marks them.
  vanished_accepted INTEGER NOT NULL DEFAULT 0,
  -- The last failed round; null once one succeeded.
  error_at_ms INTEGER,
  error_code TEXT,
  error_message TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE session_mark (
  session_mark_id INTEGER PRIMARY KEY,
  archive TEXT NOT NULL,
  native_id TEXT NOT NULL,
  -- conversationKey(device, archive, native_id)
  key TEXT NOT NULL UNIQUE,
  -- session_source.name of the place that told it last, and the journal's partition of that place's epoch.
  source TEXT NOT NULL,
  partition_id INTEGER NOT NULL,
  project_group TEXT NOT NULL,
  -- What its source said of it at its last notice; compared for inequality only.
  mark TEXT NOT NULL,
  -- present: the source lists it · gone: it vanished from there, which is no deletion · deleted: a person removed it there
  state TEXT NOT NULL CHECK (state IN ('present', 'gone', 'deleted')),
  -- Since when it is not present.
  absent_since_ms INTEGER,
  -- Number of notices, the last part of their cursors: a mark may come back to a former value.
  notices INTEGER NOT NULL,
  noticed_ms INTEGER NOT NULL,
  -- How often in a row its reading failed, why, and when its key is noticed again for that; no text of it.
  failures INTEGER NOT NULL DEFAULT 0,
  failure_code TEXT,
  failure_message TEXT,
  retry_ms INTEGER,
  UNIQUE (archive, native_id)
) STRICT;
CREATE INDEX session_mark_by_state ON session_mark (source, state);
CREATE INDEX session_mark_retry ON session_mark (retry_ms) WHERE retry_ms IS NOT NULL;
CREATE INDEX session_mark_failing ON session_mark (source) WHERE failures > 0;
