-- Nonces of signed requests, so that none has its effect twice (memory specification §3.1). `seen` is the order of arrival.
CREATE TABLE compat_nonce (
  seen INTEGER PRIMARY KEY AUTOINCREMENT,
  peer TEXT NOT NULL,
  nonce_hash BLOB NOT NULL,
  UNIQUE (peer, nonce_hash)
) STRICT;

CREATE INDEX compat_nonce_by_peer ON compat_nonce (peer, seen);
