-- The ordered half of the engine (design §4). Times are epoch milliseconds, sizes bytes.

CREATE TABLE identity (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  installation TEXT NOT NULL,
  incarnation INTEGER NOT NULL,
  -- One counter for every fence of this database; it only grows, so an old holder's number never comes back (no ABA).
  fence INTEGER NOT NULL
) STRICT;

CREATE TABLE partition (
  partition_id INTEGER PRIMARY KEY,
  stream TEXT NOT NULL,
  name TEXT NOT NULL,
  header TEXT NOT NULL,
  predecessor INTEGER REFERENCES partition (partition_id),
  first_offset INTEGER NOT NULL DEFAULT 1,
  last_offset INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
  UNIQUE (stream, name)
) STRICT;

CREATE TABLE source (
  source_id INTEGER PRIMARY KEY,
  stream TEXT NOT NULL,
  name TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  checkpoint TEXT,
  holes INTEGER NOT NULL DEFAULT 0,
  updated_ms INTEGER NOT NULL,
  UNIQUE (stream, name, epoch)
) STRICT;

-- Whom or what an entry is about: the handle of erasure. Interned, so that its index costs 8 bytes an entry.
CREATE TABLE subject (
  subject_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  -- Its tombstone: whatever its source says again, nothing of an erased subject is appended.
  erased_ms INTEGER
) STRICT;

-- The row's own key is partition and offset in one integer (40 bits of offset): the table is its own index, in append
-- order. A separate UNIQUE (partition_id, offset) cost a second b-tree for each entry.
CREATE TABLE entry (
  entry_id INTEGER PRIMARY KEY,
  partition_id INTEGER GENERATED ALWAYS AS (entry_id >> 40) VIRTUAL,
  offset INTEGER GENERATED ALWAYS AS (entry_id & 1099511627775) VIRTUAL,
  source_id INTEGER NOT NULL,
  cursor TEXT NOT NULL,
  subject_id INTEGER,
  observed_ms INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  payload TEXT,
  UNIQUE (source_id, cursor)
) STRICT;
CREATE INDEX entry_by_subject ON entry (subject_id) WHERE subject_id IS NOT NULL;

CREATE TABLE destination (
  destination_id TEXT PRIMARY KEY,
  stream TEXT NOT NULL,
  delivery TEXT NOT NULL DEFAULT 'ordered',
  required INTEGER NOT NULL,
  start TEXT NOT NULL CHECK (start IN ('earliest', 'latest')),
  state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'draining', 'removed')),
  paused_until_ms INTEGER,
  circuit TEXT NOT NULL DEFAULT 'closed' CHECK (circuit IN ('closed', 'open', 'half_open')),
  circuit_until_ms INTEGER NOT NULL DEFAULT 0,
  circuit_failures INTEGER NOT NULL DEFAULT 0,
  -- The newest fence when the circuit last opened: what was in flight then says nothing about the time after.
  opened_fence INTEGER NOT NULL DEFAULT 0,
  -- Highest fence of an accepted batch: a batch that failed before it, and fails again, is itself the suspect.
  accepted_fence INTEGER NOT NULL DEFAULT 0,
  failing_since_ms INTEGER,
  last_success_ms INTEGER,
  last_error_ms INTEGER,
  last_error_code TEXT,
  last_error_message TEXT
) STRICT;

CREATE TABLE progress (
  destination_id TEXT NOT NULL REFERENCES destination (destination_id),
  partition_id INTEGER NOT NULL REFERENCES partition (partition_id),
  planned_offset INTEGER NOT NULL,
  acked_offset INTEGER NOT NULL,
  -- Whether the destination takes this partition; null = not asked yet, which holds back retention like a yes.
  accepts INTEGER CHECK (accepts IN (0, 1)),
  -- What retention took before it was asked; counted as its loss if it says yes.
  dropped_before INTEGER NOT NULL DEFAULT 0,
  accepted_fence INTEGER NOT NULL DEFAULT 0,
  held_class TEXT,
  held_since_ms INTEGER,
  held_message TEXT,
  -- How often it was held since something was last accepted.
  holds INTEGER NOT NULL DEFAULT 0,
  due_ms INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (destination_id, partition_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE batch (
  batch_id TEXT PRIMARY KEY,
  destination_id TEXT NOT NULL,
  partition_id INTEGER NOT NULL,
  first_offset INTEGER NOT NULL,
  last_offset INTEGER NOT NULL,
  items INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  body_sha256 TEXT,
  state TEXT NOT NULL CHECK (state IN ('open', 'suspect', 'settled', 'split', 'abandoned')),
  parent TEXT,
  -- Set on the batch of a retried dead letter: it stands below acked_offset and moves no progress.
  retry_of TEXT,
  -- Fence at which this batch, or the batch it was split from, was first refused; null = never.
  refused_fence INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  -- How often in a row it, or the batch it was split from, failed (5xx, reset) while the destination was well otherwise, and
  -- the fences of the first and the last such attempt.
  failures INTEGER NOT NULL DEFAULT 0,
  first_failed_fence INTEGER,
  failed_fence INTEGER,
  due_ms INTEGER NOT NULL DEFAULT 0,
  fence INTEGER NOT NULL DEFAULT 0,
  error_class TEXT,
  error_code TEXT,
  error_field TEXT,
  error_message TEXT,
  ended_ms INTEGER
) STRICT;
CREATE INDEX batch_unsettled ON batch (destination_id, partition_id, first_offset) WHERE state IN ('open', 'suspect');
CREATE INDEX batch_ended ON batch (ended_ms) WHERE ended_ms IS NOT NULL;

CREATE TABLE dead_letter (
  dead_letter_id TEXT PRIMARY KEY,
  stream TEXT NOT NULL,
  destination_id TEXT,
  partition_id INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  subject_id INTEGER,
  class TEXT NOT NULL,
  code TEXT NOT NULL,
  field TEXT,
  message TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  payload TEXT,
  at_ms INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'retried', 'discarded', 'superseded'))
) STRICT;
CREATE INDEX dead_letter_by_state ON dead_letter (state, at_ms);
CREATE INDEX dead_letter_by_place ON dead_letter (partition_id, offset);

CREATE TABLE counter (
  name TEXT NOT NULL,
  label TEXT NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (name, label)
) STRICT, WITHOUT ROWID;

CREATE TABLE operator_action (
  operator_action_id INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  actor TEXT NOT NULL,
  verb TEXT NOT NULL,
  target TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
