-- Folders of checkouts whose conversations are shared, by the digest that the journal of conversations has for them.
CREATE TABLE checkout (
  digest TEXT PRIMARY KEY,
  root TEXT NOT NULL
) STRICT, WITHOUT ROWID;
