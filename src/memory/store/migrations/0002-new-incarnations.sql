-- How much of the own origin some member was seen to have as it stands here.
ALTER TABLE clock ADD COLUMN confirmed INTEGER NOT NULL DEFAULT 0;

-- Ends of own origins that are told again under another one, because two machines had numbered them or their stamps lay in the
-- future: what was written after `kept` stands up to `through` of the successor. Without a successor it is still to be told.
CREATE TABLE told_anew (
  origin TEXT PRIMARY KEY,
  kept INTEGER NOT NULL,
  successor TEXT,
  through INTEGER NOT NULL DEFAULT 0
) STRICT;
