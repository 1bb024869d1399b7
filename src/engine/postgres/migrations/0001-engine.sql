-- The engine's tables on PostgreSQL (design §4), the ordered and the keyed half. Times are epoch milliseconds, sizes bytes.
-- No foreign keys: each insert of a task would lock rows of the tables beside it, which every worker shares.

CREATE TABLE syncline.identity (
  one integer PRIMARY KEY CHECK (one = 1),
  installation text NOT NULL,
  incarnation bigint NOT NULL
);

-- The one counter of every fence (src/engine/postgres/fences.ts): a sequence, because a row would be locked until the
-- commit of whoever counted, and all claims would wait for each other's disk. It only grows, also after a crash.
CREATE SEQUENCE syncline.fence AS bigint CACHE 1;

CREATE TABLE syncline.partition (
  partition_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stream text NOT NULL,
  name text NOT NULL,
  header text NOT NULL,
  delivery text NOT NULL DEFAULT 'ordered' CHECK (delivery IN ('ordered', 'keyed')),
  predecessor bigint,
  first_offset bigint NOT NULL DEFAULT 1,
  last_offset bigint NOT NULL DEFAULT 0,
  bytes bigint NOT NULL DEFAULT 0,
  UNIQUE (stream, name)
) WITH (fillfactor = 50);

CREATE TABLE syncline.source (
  source_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stream text NOT NULL,
  name text NOT NULL,
  epoch bigint NOT NULL,
  checkpoint text,
  holes bigint NOT NULL DEFAULT 0,
  updated_ms bigint NOT NULL,
  UNIQUE (stream, name, epoch)
) WITH (fillfactor = 50);

-- Whom or what an entry is about: the handle of erasure.
CREATE TABLE syncline.subject (
  subject_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  -- Its tombstone: whatever its source says again, nothing of an erased subject is appended.
  erased_ms bigint
);

CREATE TABLE syncline.entry (
  partition_id bigint NOT NULL,
  "offset" bigint NOT NULL,
  source_id bigint NOT NULL,
  subject_id bigint,
  observed_ms bigint NOT NULL,
  bytes bigint NOT NULL,
  cursor text COLLATE "C" NOT NULL,
  -- Null in ordered partitions, which therefore pay nothing for its index.
  key text COLLATE "C",
  payload text,
  PRIMARY KEY (partition_id, "offset"),
  UNIQUE (source_id, cursor)
);
CREATE INDEX entry_by_subject ON syncline.entry (subject_id) WHERE subject_id IS NOT NULL;
CREATE INDEX entry_by_key ON syncline.entry (key, partition_id, "offset") WHERE key IS NOT NULL;

CREATE TABLE syncline.destination (
  destination_id text COLLATE "C" PRIMARY KEY,
  stream text NOT NULL,
  delivery text NOT NULL DEFAULT 'ordered',
  required boolean NOT NULL,
  start text NOT NULL CHECK (start IN ('earliest', 'latest')),
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'draining', 'removed')),
  paused_until_ms bigint,
  circuit text NOT NULL DEFAULT 'closed' CHECK (circuit IN ('closed', 'open', 'half_open')),
  circuit_until_ms bigint NOT NULL DEFAULT 0,
  circuit_failures bigint NOT NULL DEFAULT 0,
  -- The newest fence when the circuit last opened: what was in flight then says nothing about the time after.
  opened_fence bigint NOT NULL DEFAULT 0,
  -- Highest fence of what was accepted, as far as it is evidence against something that failed (keyed/acceptance.ts).
  accepted_fence bigint NOT NULL DEFAULT 0,
  failing_since_ms bigint,
  last_success_ms bigint,
  last_error_ms bigint,
  last_error_code text,
  last_error_message text,
  -- Where the walk over all known keys stands for a destination that came later: '' = not begun, null = none is due.
  backfill text
) WITH (fillfactor = 50);

CREATE TABLE syncline.progress (
  destination_id text COLLATE "C" NOT NULL,
  partition_id bigint NOT NULL,
  planned_offset bigint NOT NULL,
  acked_offset bigint NOT NULL,
  -- Whether the destination takes this partition; null = not asked yet, which holds back retention like a yes.
  accepts boolean,
  -- What retention took before it was asked; counted as its loss if it says yes.
  dropped_before bigint NOT NULL DEFAULT 0,
  accepted_fence bigint NOT NULL DEFAULT 0,
  held_class text,
  held_since_ms bigint,
  held_message text,
  -- How often it was held since something was last accepted.
  holds bigint NOT NULL DEFAULT 0,
  due_ms bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (destination_id, partition_id)
) WITH (fillfactor = 50);

CREATE TABLE syncline.batch (
  batch_id text COLLATE "C" PRIMARY KEY,
  destination_id text COLLATE "C" NOT NULL,
  partition_id bigint NOT NULL,
  first_offset bigint NOT NULL,
  last_offset bigint NOT NULL,
  items bigint NOT NULL,
  bytes bigint NOT NULL,
  body_sha256 text,
  state text NOT NULL CHECK (state IN ('open', 'suspect', 'settled', 'split', 'abandoned')),
  parent text,
  -- Set on the batch of a retried dead letter: it stands below acked_offset and moves no progress.
  retry_of text,
  -- Fence at which this batch, or the batch it was split from, was first refused; null = never.
  refused_fence bigint,
  attempts bigint NOT NULL DEFAULT 0,
  -- How often in a row it, or the batch it was split from, failed (5xx, reset) while the destination was well otherwise, and
  -- the fences of the first and the last such attempt.
  failures bigint NOT NULL DEFAULT 0,
  first_failed_fence bigint,
  failed_fence bigint,
  due_ms bigint NOT NULL DEFAULT 0,
  fence bigint NOT NULL DEFAULT 0,
  error_class text,
  error_code text,
  error_field text,
  error_message text,
  ended_ms bigint
);
CREATE INDEX batch_unsettled ON syncline.batch (destination_id, partition_id, first_offset) WHERE state IN ('open', 'suspect');
CREATE INDEX batch_ended ON syncline.batch (ended_ms) WHERE ended_ms IS NOT NULL;

CREATE TABLE syncline.dead_letter (
  dead_letter_id text COLLATE "C" PRIMARY KEY,
  stream text NOT NULL,
  destination_id text COLLATE "C",
  partition_id bigint NOT NULL,
  "offset" bigint NOT NULL,
  subject_id bigint,
  -- Of a keyed destination; the task of this key is held while the letter is open.
  key text COLLATE "C",
  class text NOT NULL,
  code text NOT NULL,
  field text,
  message text NOT NULL,
  attempts bigint NOT NULL,
  payload text,
  at_ms bigint NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'retried', 'discarded', 'superseded'))
);
CREATE INDEX dead_letter_by_state ON syncline.dead_letter (state, at_ms);
CREATE INDEX dead_letter_by_place ON syncline.dead_letter (partition_id, "offset");
CREATE INDEX dead_letter_by_key ON syncline.dead_letter (key) WHERE key IS NOT NULL;
CREATE INDEX dead_letter_by_subject ON syncline.dead_letter (subject_id) WHERE subject_id IS NOT NULL;

-- A counter is the sum of its slots: each connection adds to one of them, so that transactions do not wait for each other.
CREATE TABLE syncline.counter (
  name text COLLATE "C" NOT NULL,
  label text COLLATE "C" NOT NULL,
  slot smallint NOT NULL,
  value bigint NOT NULL,
  PRIMARY KEY (name, label, slot)
) WITH (fillfactor = 50);

CREATE TABLE syncline.operator_action (
  operator_action_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at_ms bigint NOT NULL,
  actor text NOT NULL,
  verb text NOT NULL,
  target text NOT NULL,
  detail text NOT NULL
);

-- Whether a keyed destination takes a partition; no row = not asked yet: tasks are raised, and none is claimed.
CREATE TABLE syncline.subscription (
  destination_id text COLLATE "C" NOT NULL,
  partition_id bigint NOT NULL,
  accepts boolean NOT NULL,
  PRIMARY KEY (destination_id, partition_id)
);

-- What the keys of one group (a project, an object) have in common at one destination: they may be refused together.
CREATE TABLE syncline.key_group (
  destination_id text COLLATE "C" NOT NULL,
  key_group text COLLATE "C" NOT NULL,
  -- Highest fence of an accepted key of the group: what was refused before it, and is again, is itself bad.
  accepted_fence bigint NOT NULL DEFAULT 0,
  held_class text,
  held_since_ms bigint,
  held_message text,
  -- How often it was held since one of its keys was last accepted.
  holds bigint NOT NULL DEFAULT 0,
  due_ms bigint NOT NULL DEFAULT 0,
  -- Some of its keys may be parked: they are made ready again when it is held no more.
  parked boolean NOT NULL DEFAULT false,
  PRIMARY KEY (destination_id, key_group)
);
CREATE INDEX key_group_troubled ON syncline.key_group (destination_id) WHERE held_class IS NOT NULL OR parked;

CREATE TABLE syncline.task (
  partition_id bigint NOT NULL,
  -- Where its newest notice stands; offset 0 = it was touched without an entry.
  "offset" bigint NOT NULL DEFAULT 0,
  subject_id bigint,
  -- How often the key changed since its task was made, and how much of that the newest claim has seen.
  wanted bigint NOT NULL,
  claimed bigint NOT NULL DEFAULT 0,
  -- 0 = at once, in the order of since_ms: a clock that steps back delays none of these.
  due_ms bigint NOT NULL DEFAULT 0,
  -- Since when the other side is behind.
  since_ms bigint NOT NULL,
  fence bigint NOT NULL DEFAULT 0,
  -- By the clock of the database.
  lease_until_ms bigint,
  -- Fences of the first trouble with the key and of the last failure; null = none.
  refused_fence bigint,
  failed_fence bigint,
  -- Lower goes first.
  priority integer NOT NULL DEFAULT 0,
  -- Refusals of the key itself, and failures (5xx, reset) of it while the destination was well otherwise.
  attempts integer NOT NULL DEFAULT 0,
  failures integer NOT NULL DEFAULT 0,
  state text COLLATE "C" NOT NULL CHECK (state IN ('ready', 'parked', 'claimed', 'held')),
  destination_id text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  key_group text COLLATE "C" NOT NULL DEFAULT '',
  owner text,
  -- The dead letter that holds the key, or that is being tried again.
  dead_letter_id text COLLATE "C",
  PRIMARY KEY (destination_id, key)
) WITH (
  fillfactor = 90,
  -- A row is written when it is raised, claimed and settled: what is dead must go before the index of ready ones is full of it.
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_vacuum_insert_scale_factor = 1, autovacuum_analyze_scale_factor = 0.2, autovacuum_analyze_threshold = 5000
);
-- Of those that may go at once, and of those with a time, apart: each in the order in which it is claimed.
CREATE INDEX task_ready ON syncline.task (destination_id, priority, since_ms) WHERE state = 'ready' AND due_ms = 0;
CREATE INDEX task_timed ON syncline.task (destination_id, priority, due_ms) WHERE state = 'ready' AND due_ms <> 0;
CREATE INDEX task_due ON syncline.task (destination_id, due_ms) WHERE state = 'ready' AND due_ms <> 0;
CREATE INDEX task_claimed ON syncline.task (destination_id, lease_until_ms) WHERE state = 'claimed';
-- Parking and its end reach the keys of one group without reading the others.
CREATE INDEX task_by_group ON syncline.task (destination_id, key_group, due_ms) WHERE state IN ('ready', 'parked');
CREATE INDEX task_by_partition ON syncline.task (partition_id, destination_id) WHERE state IN ('ready', 'parked');
-- Almost always empty: the keys against which somebody else's success is evidence.
CREATE INDEX task_troubled ON syncline.task (destination_id, key_group) WHERE refused_fence IS NOT NULL;
CREATE INDEX task_by_letter ON syncline.task (dead_letter_id) WHERE dead_letter_id IS NOT NULL;
