import pg from 'pg';

/**
 * The statement with every name of the schema `written_as` in the schema `schema` instead: `syncline.task` becomes
 * `"acme".task`. SQL is written with one name, readable and searchable, while the database may give it another.
 */
export function inSchema(sql: string, schema: string, written_as: string): string {
  return schema === written_as
    ? sql
    : sql.replace(new RegExp(`(?<![\\w."])${written_as}\\.(?=\\w)`, 'g'), () => `${pg.escapeIdentifier(schema)}.`);
}

/** The comment of a schema that Syncline made: one that it found made is not its own to drop. */
export const MADE_BY = 'made by Syncline';
