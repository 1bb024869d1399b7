-- Copies are found by ten digits of the origin's hash (those behind `blake3:`), and then compared whole. The whole hash in an
-- index cost 100 bytes an event at a random place: each batch of a thousand touched, logged and moved most of its pages. A
-- quarter of that stays in memory. One row for all copies is what the transactions see to, which look before they insert
-- and hold the write lock; an index of a part cannot. A sender whose origins all begin alike slows its own team's ingest.
DROP INDEX event_origin;
CREATE INDEX event_origin ON event (team_id, substr(origin_id_hash, 8, 10)) WHERE origin_id_hash IS NOT NULL;
DROP INDEX tool_span_origin;
CREATE INDEX tool_span_origin ON tool_span (team_id, substr(origin_id_hash, 8, 10)) WHERE origin_id_hash IS NOT NULL;
