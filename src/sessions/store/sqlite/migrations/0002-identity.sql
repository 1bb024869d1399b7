-- Names this file: another one, also an empty one in its place, has another name, so that who wrote to the one before knows.
CREATE TABLE store_identity (
  id TEXT NOT NULL
) STRICT;
INSERT INTO store_identity (id) VALUES (lower(hex(randomblob(16))));
