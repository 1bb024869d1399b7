-- Sessions that destinations were asked to erase, by the hash they know them under. A row stays when it is done: the same
-- session erased again then tells what became of it.
CREATE TABLE telemetry_erasure (
  destination_id TEXT NOT NULL,
  session        TEXT NOT NULL,
  asked_ms       INTEGER NOT NULL,
  state          TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'cannot', 'failed')),
  -- Why it cannot, failed, or waits still.
  reason         TEXT,
  PRIMARY KEY (destination_id, session)
) STRICT, WITHOUT ROWID;
CREATE INDEX telemetry_erasure_waiting ON telemetry_erasure (destination_id) WHERE state = 'waiting';
