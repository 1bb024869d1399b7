-- Names these tables: others, also empty ones in their place, have another name, so that who wrote to the ones before knows.
CREATE TABLE syncline_sessions.store_identity (
  id text NOT NULL
);
INSERT INTO syncline_sessions.store_identity (id) VALUES (replace(gen_random_uuid()::text, '-', ''));
