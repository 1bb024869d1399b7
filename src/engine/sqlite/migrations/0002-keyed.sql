-- The keyed half of the engine (design §4): "this key changed", one task for each dirty key of a destination.

ALTER TABLE partition ADD COLUMN delivery TEXT NOT NULL DEFAULT 'ordered' CHECK (delivery IN ('ordered', 'keyed'));

-- Null in ordered partitions, which therefore pay nothing for the index.
ALTER TABLE entry ADD COLUMN key TEXT;
CREATE INDEX entry_by_key ON entry (key, entry_id) WHERE key IS NOT NULL;

-- Where the walk over all known keys stands for a destination that came later: '' = not begun, null = none is due.
ALTER TABLE destination ADD COLUMN backfill TEXT;

-- Whether a keyed destination takes a partition; no row = not asked yet: tasks are raised, and none is claimed.
CREATE TABLE subscription (
  destination_id TEXT NOT NULL REFERENCES destination (destination_id),
  partition_id INTEGER NOT NULL REFERENCES partition (partition_id),
  accepts INTEGER NOT NULL CHECK (accepts IN (0, 1)),
  PRIMARY KEY (destination_id, partition_id)
) STRICT, WITHOUT ROWID;

-- What the keys of one group (a project, an object) have in common at one destination: they may be refused together.
CREATE TABLE key_group (
  destination_id TEXT NOT NULL REFERENCES destination (destination_id),
  key_group TEXT NOT NULL,
  -- Highest fence of an accepted key of the group: what was refused before it, and is again, is itself bad.
  accepted_fence INTEGER NOT NULL DEFAULT 0,
  held_class TEXT,
  held_since_ms INTEGER,
  held_message TEXT,
  -- How often it was held since one of its keys was last accepted.
  holds INTEGER NOT NULL DEFAULT 0,
  due_ms INTEGER NOT NULL DEFAULT 0,
  -- Some of its keys may be parked: they are made ready again when it is held no more.
  parked INTEGER NOT NULL DEFAULT 0 CHECK (parked IN (0, 1)),
  PRIMARY KEY (destination_id, key_group)
) STRICT, WITHOUT ROWID;
CREATE INDEX key_group_troubled ON key_group (destination_id) WHERE held_class IS NOT NULL OR parked = 1;

CREATE TABLE task (
  destination_id TEXT NOT NULL REFERENCES destination (destination_id),
  key TEXT NOT NULL,
  -- Where its newest notice stands; offset 0 = it was touched without an entry.
  partition_id INTEGER NOT NULL REFERENCES partition (partition_id),
  offset INTEGER NOT NULL DEFAULT 0,
  subject_id INTEGER,
  key_group TEXT NOT NULL DEFAULT '',
  -- How often the key changed since its task was made, and how much of that the newest claim has seen.
  wanted INTEGER NOT NULL,
  claimed INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL CHECK (state IN ('ready', 'parked', 'claimed', 'held')),
  -- Lower goes first.
  priority INTEGER NOT NULL DEFAULT 0,
  -- 0 = at once, in the order of since_ms: a clock that steps back delays none of these.
  due_ms INTEGER NOT NULL DEFAULT 0,
  -- Since when the other side is behind.
  since_ms INTEGER NOT NULL,
  fence INTEGER NOT NULL DEFAULT 0,
  owner TEXT,
  lease_until_ms INTEGER,
  -- Refusals of the key itself, and failures (5xx, reset) of it while the destination was well otherwise.
  attempts INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  -- Fences of the first trouble with the key and of the last such failure; null = none.
  refused_fence INTEGER,
  failed_fence INTEGER,
  -- The dead letter that holds the key, or that is being tried again.
  dead_letter_id TEXT,
  PRIMARY KEY (destination_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_ready ON task (destination_id, priority, due_ms, since_ms) WHERE state = 'ready';
CREATE INDEX task_claimed ON task (destination_id, key_group) WHERE state = 'claimed';
-- Parking and its end reach the keys of one group without reading the others.
CREATE INDEX task_by_group ON task (destination_id, key_group, state, due_ms);
CREATE INDEX task_by_partition ON task (partition_id, destination_id);

-- Of a keyed destination; the task of this key is held while the letter is open.
ALTER TABLE dead_letter ADD COLUMN key TEXT;
CREATE INDEX dead_letter_by_key ON dead_letter (key) WHERE key IS NOT NULL;
