-- English words are found in any of their forms. Filled anew when the memory is opened (`refillTerms`), because what is written
-- into it is prepared by the program.
DROP TABLE memory_text;
CREATE VIRTUAL TABLE memory_text USING fts5 (
  title, content, tags, content = '', contentless_delete = 1, tokenize = 'porter unicode61 remove_diacritics 2'
);
