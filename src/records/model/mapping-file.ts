/**
 * The form of a mapping file, `records/NAME.toml`. Each `error` completes the sentence "KEY must be …" and never repeats what was
 * written.
 */
import { z } from 'zod';
import { FIELD_KINDS } from './value.ts';

const DIRECTIONS = ['salesforce_to_postgres', 'postgres_to_salesforce', 'both'] as const;

function oneOf<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words, { error: words.map((word) => `"${word}"`).join(' or ') });
}

function matching(form: RegExp, error: string) {
  return z.string({ error }).regex(form, { error });
}

function whole(minimum: number, maximum: number) {
  const error = `a whole number from ${minimum} to ${maximum}`;
  return z.int({ error }).min(minimum, { error }).max(maximum, { error });
}

/** PostgreSQL cuts names of more bytes than this. */
const MOST_NAME_CHARACTERS = 63;

const salesforceName = matching(
  /^[A-Za-z]\w{0,79}$/,
  'a name of the Salesforce API, like "Account" or "External_Id__c"',
);
const column = z
  .string({ error: 'the name of a column' })
  .min(1, { error: 'the name of a column' })
  .max(MOST_NAME_CHARACTERS, { error: `the name of a column, at most ${MOST_NAME_CHARACTERS} characters` });
const table = matching(/^[^."\0]{1,63}\.[^."\0]{1,63}$/, 'a schema and a table, like "public.accounts"');
const direction = oneOf(DIRECTIONS);
const mappingName = matching(/^[a-z][a-z0-9_-]{0,62}$/, 'the name of a mapping, like "accounts"');
const relationship = matching(
  /^[A-Za-z]\w{0,79}\.[A-Za-z]\w{0,79}$/,
  'the relation and the external id field of the parent, like "Account__r.External_Id__c"',
);

const fieldEntry = z.strictObject({
  salesforce: salesforceName,
  postgres: column.optional(),
  kind: oneOf(FIELD_KINDS),
  direction: direction.optional(),
  owner: oneOf(['salesforce', 'postgres', 'shared']).optional(),
  references: mappingName.optional(),
  relationship: relationship.optional(),
  length: whole(1, 1_000_000).optional(),
  scale: whole(0, 18).optional(),
});

/** Whether a field may be called so. A name that is a member of every object would be found in every document. */
export function isFieldName(name: string): boolean {
  return /^[A-Za-z_]\w{0,62}$/.test(name) && !(name in {});
}

export const FIELD_NAME_FORM = 'named with letters, digits and underscores, at most 63';

const NATURAL_KEYS_FORM = 'a list of lists of field names, like [["email"], ["name", "city"]]';

export const mappingFile = z.strictObject({
  direction: direction.default('salesforce_to_postgres'),
  policy: oneOf(['manual', 'salesforce_wins', 'postgres_wins', 'newest_wins', 'custom']).default('manual'),
  deletes: oneOf(['propagate', 'ignore']).default('propagate'),
  natural_keys: z
    .array(z.array(z.string({ error: 'the name of a field' })).min(1, { error: NATURAL_KEYS_FORM }), {
      error: NATURAL_KEYS_FORM,
    })
    .default([]),
  salesforce: z.strictObject({
    object: salesforceName,
    external_id: salesforceName,
    case_sensitive: z.boolean({ error: 'true or false' }).default(false),
  }),
  postgres: z.strictObject({ table, key: column, salesforce_id: column.optional() }),
  brakes: z
    .strictObject({
      max_deletes: whole(0, 1_000_000_000).optional(),
      max_creates: whole(0, 1_000_000_000).optional(),
      max_changes_percent: whole(0, 100).optional(),
    })
    .default({}),
  fields: z
    .record(z.string(), fieldEntry, { error: 'a table with an entry for each field' })
    .superRefine((fields, issues) => {
      for (const name of Object.keys(fields))
        if (!isFieldName(name)) issues.addIssue({ code: 'custom', path: [name], message: FIELD_NAME_FORM });
    }),
});

export type MappingFile = z.infer<typeof mappingFile>;
export type FieldEntry = MappingFile['fields'][string];
