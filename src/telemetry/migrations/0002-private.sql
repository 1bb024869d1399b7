-- Sessions that were started with SYNCLINE_PRIVATE=1, by the hash under which their hook named them: nothing of them leaves.
CREATE TABLE private_session (
  session TEXT PRIMARY KEY,
  noted_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
