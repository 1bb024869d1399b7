-- What the records flow knows besides the engine's tables. `syncline.` stands for the schema, whatever it is called.

-- One row a key that was ever seen: what Salesforce has as far as it was told, and what both sides agreed on last.
CREATE TABLE syncline.link (
  stream                 text NOT NULL,
  key                    text COLLATE "C" NOT NULL,
  -- What Salesforce has, as last told; documents are by the mapping's names of fields.
  salesforce_id          text,
  salesforce_presence    text NOT NULL CHECK (salesforce_presence IN ('present', 'absent', 'unknown')),
  salesforce             jsonb NOT NULL,
  salesforce_whole       boolean NOT NULL,
  -- By its own clock: when others changed it last, and up to when the document has everything.
  salesforce_modified_ms bigint,
  salesforce_as_of_ms    bigint,
  -- Entries of either side's partition up to here were taken into account.
  salesforce_offset      bigint NOT NULL,
  postgres_offset        bigint NOT NULL,
  -- What both sides agreed on last, and which of them had the record then; null: never.
  base                   jsonb,
  had_salesforce         text CHECK (had_salesforce IN ('present', 'absent', 'unknown')),
  had_postgres           text CHECK (had_postgres IN ('present', 'absent', 'unknown')),
  mapping_version        text NOT NULL,
  -- Raised by each write; whoever writes names the version that was read.
  version                bigint NOT NULL,
  updated_at             timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (stream, key)
) WITH (fillfactor = 85);
-- Change events and polled deletions bear only the id.
CREATE INDEX link_salesforce_id ON syncline.link (stream, salesforce_id) WHERE salesforce_id IS NOT NULL;

-- What was about to be written to Salesforce, noted before each call.
CREATE TABLE syncline.intent (
  intent_id   uuid PRIMARY KEY,
  stream      text NOT NULL,
  key         text NOT NULL,
  operation   text NOT NULL CHECK (operation IN ('upsert', 'update', 'delete', 'undelete')),
  fields      jsonb NOT NULL,
  -- Values of these fields that both sides had agreed on before.
  before      jsonb NOT NULL,
  -- Those of the fields whose value PostgreSQL had: once it arrived, both sides agreed on it.
  carried     jsonb NOT NULL,
  -- sent: no answer yet · settled: taken · refused: not taken · unknown: the answer never came, or the record was fetched since
  state       text NOT NULL CHECK (state IN ('sent', 'settled', 'refused', 'unknown')),
  -- A change event with these values, or the record itself, was seen after the answer.
  seen        boolean NOT NULL DEFAULT false,
  sent_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX intent_open ON syncline.intent (stream, key) WHERE NOT seen AND state <> 'refused';
CREATE INDEX intent_sent_at ON syncline.intent (sent_at);

-- A field that both sides changed since they last agreed, and nobody but a person may decide.
CREATE TABLE syncline.conflict (
  conflict_id  uuid PRIMARY KEY,
  stream       text NOT NULL,
  key          text NOT NULL,
  -- Null: the record itself, deleted on one side and changed on the other.
  field        text,
  base         jsonb,
  salesforce   jsonb,
  postgres     jsonb,
  -- The value of Salesforce is one that a write of ours replaced unseen; it is not there any more.
  overwritten  boolean NOT NULL DEFAULT false,
  state        text NOT NULL CHECK (state IN ('open', 'resolved', 'superseded')),
  -- What was chosen: {"take": "salesforce" | "postgres"} or {"value": …}.
  resolution   jsonb,
  resolved_by  text,
  opened_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  closed_at    timestamptz
);
CREATE UNIQUE INDEX conflict_open ON syncline.conflict (stream, key, coalesce(field, '')) WHERE state = 'open';
-- A resolution that the planner has not carried out yet.
CREATE INDEX conflict_resolved ON syncline.conflict (stream, key) WHERE state = 'resolved' AND closed_at IS NULL;

-- Every change that was carried from one side to the other, with the values before and after; kept 30 days.
CREATE TABLE syncline.history (
  history_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stream      text NOT NULL,
  key         text NOT NULL,
  at          timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Which side was written.
  side        text NOT NULL CHECK (side IN ('salesforce', 'postgres')),
  operation   text NOT NULL CHECK (operation IN ('create', 'update', 'delete', 'undelete')),
  -- Keys that were written together; `records revert --batch`.
  batch_id    uuid NOT NULL,
  -- Why: change, first-sync, repair, conflict, revert.
  cause       text NOT NULL,
  actor       text,
  session     text,
  changes     jsonb NOT NULL
);
CREATE INDEX history_key ON syncline.history (stream, key, history_id);
CREATE INDEX history_batch ON syncline.history (batch_id);
CREATE INDEX history_at ON syncline.history (at);

-- Values that `records revert` or a person wants a key to have; taken by the next plan of the key.
CREATE TABLE syncline.wish (
  stream   text NOT NULL,
  key      text NOT NULL,
  fields   jsonb NOT NULL,
  cause    text NOT NULL,
  actor    text,
  made_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (stream, key)
);

-- Versions of each object's mapping, and how far a person has let them go.
CREATE TABLE syncline.mapping (
  stream       text NOT NULL,
  version      text NOT NULL,
  definition   jsonb NOT NULL,
  state        text NOT NULL CHECK (state IN ('new', 'planned', 'applied', 'replaced')),
  -- Why nothing is sent although it was applied: {"reason": …, "side": …, "counts": …, "sample": [key hashes]}.
  paused       jsonb,
  planned_at   timestamptz,
  applied_at   timestamptz,
  applied_by   text,
  PRIMARY KEY (stream, version)
);
CREATE UNIQUE INDEX mapping_applied ON syncline.mapping (stream) WHERE state = 'applied';

-- What one object changed on one side in an hour, and what a person allowed beyond its limits.
CREATE TABLE syncline.brake (
  stream     text NOT NULL,
  side       text NOT NULL CHECK (side IN ('salesforce', 'postgres')),
  hour       timestamptz NOT NULL,
  creates    bigint NOT NULL DEFAULT 0,
  updates    bigint NOT NULL DEFAULT 0,
  deletes    bigint NOT NULL DEFAULT 0,
  -- What a person let through beyond the limits: `resume --allow`, or an applied plan.
  allowed_creates bigint NOT NULL DEFAULT 0,
  allowed_updates bigint NOT NULL DEFAULT 0,
  allowed_deletes bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (stream, side, hour)
);

-- Salesforce as a walk over it found it, to be compared in sets. No journal of it is needed: a walk that broke off begins anew.
CREATE UNLOGGED TABLE syncline.snapshot (
  walk_id        uuid NOT NULL,
  -- Canonical external id; of a record without one its Salesforce id.
  key            text COLLATE "C" NOT NULL,
  has_key        boolean NOT NULL,
  salesforce_id  text NOT NULL,
  document       jsonb NOT NULL,
  modified_ms    bigint,
  -- Several records there have this external id.
  copies         integer NOT NULL DEFAULT 1,
  PRIMARY KEY (walk_id, has_key, key)
);

-- Walks over both sides: for a plan, for drift. One that broke off goes on at its page.
CREATE TABLE syncline.walk (
  walk_id       uuid PRIMARY KEY,
  stream        text NOT NULL,
  version       text NOT NULL,
  kind          text NOT NULL CHECK (kind IN ('plan', 'drift')),
  state         text NOT NULL CHECK (state IN ('reading', 'read', 'done', 'failed')),
  next_page     text,
  records       bigint NOT NULL DEFAULT 0,
  unkeyed       bigint NOT NULL DEFAULT 0,
  pages         bigint NOT NULL DEFAULT 0,
  -- Before the first page: offset of the Salesforce partition, places of the outbox and of polling.
  entry_offset  bigint NOT NULL,
  outbox_place  text NOT NULL,
  poll_place    text NOT NULL,
  result        jsonb,
  started_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at      timestamptz
);
CREATE INDEX walk_stream ON syncline.walk (stream, kind, started_at);
