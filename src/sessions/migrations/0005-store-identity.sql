-- Which store stood behind each destination when it was last asked: of another one nothing that links say is believed.
CREATE TABLE session_store_seen (
  destination_id TEXT PRIMARY KEY,
  store_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;
