/**
 * The SQL that makes a customer's tables tell what happens to them: generated from the mappings, printed for review, run by
 * whom the customer trusts with it. Every statement may be run again.
 *
 * The flow's and the engine's own tables come by migrations; here are only `outbox`, `hole` and `granted`.
 */
import { createHash } from 'node:crypto';
import { MADE_BY } from '../../storage/postgres/schema-name.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import { quoteIdentifier, quoteTable, quoteText, shortName, tableName, type TableName } from './identifiers.ts';
import { TEXT_FORM_OF_FUNCTION } from './text-form.ts';

export interface SetupOptions {
  /** Schema of Syncline in the customer's database. */
  readonly schema: string;
  /** The role that Syncline works as; null: the one that runs the setup, which needs no grants. */
  readonly role: string | null;
  /** Whether writers notify Syncline. Without it changes are seen when it looks by itself. */
  readonly notify: boolean;
}

export const SETUP_DEFAULTS: SetupOptions = { schema: 'syncline', role: null, notify: true };

/** What the notifications are sent on; they hold nothing. */
export const OUTBOX_CHANNEL = 'syncline_outbox';

/** One object that setup makes. */
export interface SetupPart {
  readonly kind: 'schema' | 'table' | 'function' | 'trigger' | 'grant';
  /** Unquoted: of a table or function its name in Syncline's schema, of a trigger its name, of a grant what `grantKey` gives. */
  readonly name: string;
  /** Triggers and grants: of which table. */
  readonly table: TableName | null;
  /** What a reader of the file is told about it. */
  readonly reason: string;
  readonly sql: string;
  /** Functions: the body as the catalogue keeps it. */
  readonly body: string | null;
  /** Hash of the definition; it is in the object's comment. Null: only its being there counts. */
  readonly fingerprint: string | null;
  readonly grant: Grant | null;
}

export interface Grant {
  readonly on: 'schema' | 'table';
  readonly target: TableName;
  /** Of tables, when the privilege is for one column only. */
  readonly column: string | null;
  readonly privilege: 'USAGE' | 'CREATE' | 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE';
}

/** All parts, in the order in which they can be made. */
export function setupParts(mappings: readonly ObjectMapping[], options: SetupOptions): SetupPart[] {
  return [
    schemaPart(options),
    ...tableParts(options),
    functionPart('notify', 'Wakes Syncline; says nothing of the change.', notifyBody(), options),
    ...mappings.flatMap((mapping) => [captureFunction(mapping, options), ...triggerParts(mapping, options)]),
    ...grantParts(mappings, options),
  ];
}

/** The parts as a file for `psql`: one transaction, and it gives up instead of waiting for a busy table behind which others wait. */
export function setupScript(parts: readonly SetupPart[], title = 'Setup of Syncline'): string {
  const statements = parts.map(({ reason, sql }) => `-- ${reason.replace(/\s+/g, ' ')}\n${sql}`);
  return [`-- ${title}. PostgreSQL 14 or newer.`, 'BEGIN;', `${SETUP_SETTINGS};`, ...statements, 'COMMIT;', ''].join(
    '\n\n',
  );
}

/**
 * For a transaction that changes the schema. `CREATE TRIGGER` waits for writers of its table, and everybody else then waits behind
 * it; and what the statements name without a schema is PostgreSQL's own, whatever others put into the path.
 */
export const SETUP_SETTINGS = `SET LOCAL lock_timeout TO '5s'; SET LOCAL search_path TO pg_catalog`;

/** The columns whose changes count, each once: those of the fields. */
export function capturedColumns(mapping: ObjectMapping): string[] {
  return [...new Set(mapping.fields.map((field) => field.postgres))];
}

/** The name of the function that captures an object's changes. */
export function captureFunctionName(object: string): string {
  return shortName(`capture_${object}`);
}

/**
 * The names of an object's triggers. Those of one moment fire in the order of their names, and `_` comes before small letters: what
 * another trigger of the table then changes is captured after what made it do so.
 */
export function triggerNames(object: string): Record<'rows' | 'update' | 'truncate' | 'notify', string> {
  return {
    rows: shortName(`_syncline_${object}`),
    update: shortName(`_syncline_${object}_update`),
    truncate: shortName(`_syncline_${object}_truncate`),
    notify: shortName(`_syncline_${object}_notify`),
  };
}

/** What `syncline.ours` holds while a statement of Syncline's own changes rows of an object. */
export function oursFlag(object: string, operation: 'insert' | 'update' | 'delete'): string {
  return `${operation} ${object}`;
}

/** Names a grant for people: `UPDATE (phone) on crm.accounts`. */
export function grantKey({ privilege, column, on, target }: Grant): string {
  const where = on === 'schema' ? `schema ${target.schema}` : `${target.schema}.${target.table}`;
  return `${privilege}${column === null ? '' : ` (${column})`} on ${where}`;
}

function schemaPart({ schema }: SetupOptions): SetupPart {
  // A schema that was there stays when Syncline goes: only one that this makes bears its mark.
  const sql = doBlock(`
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = ${quoteText(schema)}) THEN
    CREATE SCHEMA ${quoteIdentifier(schema)};
    COMMENT ON SCHEMA ${quoteIdentifier(schema)} IS ${quoteText(MADE_BY)};
  END IF;
END
`);
  return part({ kind: 'schema', name: schema, reason: 'Everything of Syncline lives in a schema of its own.', sql });
}

function tableParts({ schema }: SetupOptions): SetupPart[] {
  const inSchema = (table: string): string => quoteTable({ schema, table });
  const outbox = `CREATE TABLE IF NOT EXISTS ${inSchema('outbox')} (
  pos bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
  txid xid8 NOT NULL,
  object text NOT NULL,
  key text,
  key_before text,
  operation text NOT NULL CHECK (operation IN ('insert', 'update', 'delete', 'truncate', 'unreadable')),
  changed jsonb,
  ours boolean NOT NULL,
  session text,
  actor text NOT NULL,
  at timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);`;
  const hole = `CREATE TABLE IF NOT EXISTS ${inSchema('hole')} (
  first_pos bigint PRIMARY KEY,
  last_pos bigint NOT NULL,
  proven_by xid8 NOT NULL,
  seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);`;
  const granted = `CREATE TABLE IF NOT EXISTS ${inSchema('granted')} (
  on_kind text NOT NULL,
  schema_name text NOT NULL,
  table_name text NOT NULL,
  column_name text NOT NULL,
  privilege text NOT NULL,
  role_name text NOT NULL,
  PRIMARY KEY (on_kind, schema_name, table_name, column_name, privilege, role_name)
);`;
  return [
    part({
      kind: 'table',
      name: 'outbox',
      reason: 'What changed, in the order of pos; trimmed by Syncline.',
      sql: outbox,
    }),
    part({
      kind: 'table',
      name: 'hole',
      reason: 'Positions seen to be missing, until no transaction can fill them.',
      sql: hole,
    }),
    part({
      kind: 'table',
      name: 'granted',
      reason: 'What was granted below, so that exactly that is revoked.',
      sql: granted,
    }),
  ];
}

/**
 * Runs as its owner, so that writers of the table need no right on the outbox, with a search path nobody can put something into.
 *
 * Ours are only rows that Syncline's own statement changed: what triggers of the customer do in its wake (their depth is 2 or more) is
 * news to Salesforce, and what foreign keys do (depth 1) likewise, for the flag names the operation and the object.
 *
 * The columns are read in a block of their own: after one of them was renamed or dropped the customer's statements go on, and
 * the outbox says that the object cannot be read. Nothing is written in that block, so it costs no transaction id.
 */
function captureFunction(mapping: ObjectMapping, options: SetupOptions): SetupPart {
  const columns = capturedColumns(mapping);
  const key = quoteIdentifier(mapping.postgres.key);
  const texts = (row: 'OLD' | 'NEW'): string =>
    `ARRAY[${columns.map((column) => `${row}.${quoteIdentifier(column)}::text`).join(', ')}]::text[]`;
  const body = `
DECLARE
  is_ours boolean := pg_trigger_depth() = 1 AND coalesce(current_setting('syncline.ours', true), '') = lower(TG_OP) || ${quoteText(` ${mapping.name}`)};
  session_id text := nullif(current_setting('syncline.session', true), '');
  actor_name text := CASE current_setting('role') WHEN 'none' THEN session_user::text ELSE current_setting('role') END;
  names CONSTANT text[] := ARRAY[${columns.map(quoteText).join(', ')}]::text[];
  what text := lower(TG_OP);
  key_now text;
  key_before text;
  key_changed boolean := false;
  values_now text[];
  values_before text[];
  changed_values jsonb;
BEGIN
  BEGIN
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
      key_now := NEW.${key}::text;
      values_now := ${texts('NEW')};
    END IF;
    IF TG_OP = 'UPDATE' THEN
      key_changed := OLD.${key}::text COLLATE "C" IS DISTINCT FROM key_now COLLATE "C";
      key_before := CASE WHEN key_changed THEN OLD.${key}::text END;
      values_before := ${texts('OLD')};
    ELSIF TG_OP = 'DELETE' THEN
      key_now := OLD.${key}::text;
    END IF;
  EXCEPTION WHEN undefined_column THEN
    what := 'unreadable';
  END;
  IF what = 'insert' THEN
    changed_values := jsonb_object(names, values_now);
  ELSIF what = 'update' THEN
    SELECT jsonb_object_agg(c.name, c.now) INTO changed_values
    FROM unnest(names, values_before, values_now) AS c (name, before, now)
    WHERE c.before COLLATE "C" IS DISTINCT FROM c.now COLLATE "C";
    IF changed_values IS NULL AND NOT key_changed THEN
      RETURN NULL;
    END IF;
  END IF;
  INSERT INTO ${quoteTable({ schema: options.schema, table: 'outbox' })}
    (txid, object, key, key_before, operation, changed, ours, session, actor, at)
  VALUES
    (pg_current_xact_id(), ${quoteText(mapping.name)}, key_now, key_before, what, changed_values,
     is_ours, session_id, actor_name, clock_timestamp());
  RETURN NULL;
END
`;
  const reason = `Writes down what changed in ${mapping.postgres.table}, as its owner, whoever changed it.`;
  return functionPart(captureFunctionName(mapping.name), reason, body, options);
}

function notifyBody(): string {
  return `
BEGIN
  PERFORM pg_notify('${OUTBOX_CHANNEL}', '');
  RETURN NULL;
END
`;
}

function functionPart(name: string, reason: string, body: string, { schema }: SetupOptions): SetupPart {
  const signature = `${quoteTable({ schema, table: name })}()`;
  const tag = dollarTag(body);
  const create = `CREATE OR REPLACE FUNCTION ${signature} RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO pg_catalog, pg_temp
${TEXT_FORM_OF_FUNCTION.join('\n')}
AS ${tag}${body}${tag};
REVOKE ALL ON FUNCTION ${signature} FROM PUBLIC;`;
  return part({ kind: 'function', name, reason, sql: create, body, comment: `FUNCTION ${signature}` });
}

/** ALWAYS: also when `session_replication_role` is `replica`, as it is when a subscription or a bulk loader writes. */
function triggerParts(mapping: ObjectMapping, options: SetupOptions): SetupPart[] {
  const table = tableName(mapping.postgres.table);
  const names = triggerNames(mapping.name);
  const counted = [...new Set([mapping.postgres.key, ...capturedColumns(mapping)])].map(quoteIdentifier);
  const row = (which: 'OLD' | 'NEW'): string =>
    `ROW(${counted.map((column) => `${which}.${column}`).join(', ')})::record`;
  // By their images: types without `=` can be compared so, and what `=` takes for equal (citext) is told apart.
  const differs = `WHEN (${row('OLD')} OPERATOR(pg_catalog.*<>) ${row('NEW')})`;
  const foreign = `WHEN (coalesce(current_setting('syncline.ours', true), '') = '')`;
  const capture = captureFunctionName(mapping.name);
  const make = (name: string, reason: string, when: string, level: string, called: string): SetupPart => {
    const sql = `CREATE OR REPLACE TRIGGER ${quoteIdentifier(name)} ${when} ON ${quoteTable(table)}
${level}
EXECUTE FUNCTION ${quoteTable({ schema: options.schema, table: called })}();
ALTER TABLE ${quoteTable(table)} ENABLE ALWAYS TRIGGER ${quoteIdentifier(name)};`;
    const comment = `TRIGGER ${quoteIdentifier(name)} ON ${quoteTable(table)}`;
    return part({ kind: 'trigger', name, table, reason, sql, comment });
  };
  const of = `of ${mapping.postgres.table}`;
  const parts = [
    make(names.rows, `New and deleted rows ${of}.`, 'AFTER INSERT OR DELETE', 'FOR EACH ROW', capture),
    make(
      names.update,
      `Changed rows ${of}, when a mapped column changed.`,
      'AFTER UPDATE',
      `FOR EACH ROW ${differs}`,
      capture,
    ),
    make(
      names.truncate,
      `TRUNCATE ${of} deletes nothing in Salesforce: Syncline stops and asks.`,
      'AFTER TRUNCATE',
      'FOR EACH STATEMENT',
      capture,
    ),
  ];
  const update = `UPDATE OF ${counted.join(', ')}`;
  const hint = (): SetupPart =>
    make(
      names.notify,
      `Wakes Syncline when others wrote to ${mapping.postgres.table}.`,
      `AFTER INSERT OR DELETE OR ${update}`,
      `FOR EACH STATEMENT ${foreign}`,
      'notify',
    );
  return options.notify ? [...parts, hint()] : parts;
}

function grantParts(mappings: readonly ObjectMapping[], options: SetupOptions): SetupPart[] {
  const { role } = options;
  if (role === null) return [];
  const grants = [...ownGrants(options), ...mappings.flatMap(tableGrants)];
  const unique = new Map(grants.map((grant) => [grantKey(grant), grant]));
  return [...unique].map(([name, grant]) =>
    part({
      kind: 'grant',
      name,
      table: grant.target,
      reason: `${role}: ${name}`,
      sql: grantSql(grant, role, options),
      grant,
    }),
  );
}

/** CREATE: the tables of the engine and the flow come by migrations of Syncline itself. */
function ownGrants({ schema }: SetupOptions): Grant[] {
  const own = { schema, table: '' };
  const on = (table: string, ...privileges: Grant['privilege'][]): Grant[] =>
    privileges.map((privilege) => ({ on: 'table', target: { schema, table }, column: null, privilege }));
  return [
    { on: 'schema', target: own, column: null, privilege: 'USAGE' },
    { on: 'schema', target: own, column: null, privilege: 'CREATE' },
    ...on('outbox', 'SELECT', 'DELETE'),
    ...on('hole', 'SELECT', 'INSERT', 'UPDATE', 'DELETE'),
    ...on('granted', 'SELECT'),
  ];
}

function tableGrants(mapping: ObjectMapping): Grant[] {
  const target = tableName(mapping.postgres.table);
  const grants: Grant[] = [
    { on: 'schema', target: { schema: target.schema, table: '' }, column: null, privilege: 'USAGE' },
    { on: 'table', target, column: null, privilege: 'SELECT' },
  ];
  const column = (name: string, privilege: 'INSERT' | 'UPDATE'): void =>
    void grants.push({ on: 'table', target, column: name, privilege });
  const { key, salesforce_id } = mapping.postgres;
  const written = writtenColumns(mapping);
  if (mapping.direction !== 'postgres_to_salesforce') {
    for (const name of new Set([key, ...written])) column(name, 'INSERT');
    if (salesforce_id !== null) column(salesforce_id, 'INSERT');
    for (const name of written) column(name, 'UPDATE');
    if (mapping.deletes === 'propagate') grants.push({ on: 'table', target, column: null, privilege: 'DELETE' });
  }
  if (salesforce_id !== null) column(salesforce_id, 'UPDATE');
  return grants;
}

/** Columns that Syncline may write: those of fields that do not only go to Salesforce, and not the key. */
export function writtenColumns(mapping: ObjectMapping): string[] {
  const fields = mapping.fields.filter(({ direction }) => direction !== 'postgres_to_salesforce');
  return [...new Set(fields.map((field) => field.postgres))].filter((column) => column !== mapping.postgres.key);
}

/** Grants what the role has not, and writes down that it did: what it had before stays when Syncline goes. */
function grantSql(grant: Grant, role: string, { schema }: SetupOptions): string {
  const { on, target, column, privilege } = grant;
  const table = quoteTable({ schema, table: 'granted' });
  const object = on === 'schema' ? `SCHEMA ${quoteIdentifier(target.schema)}` : `TABLE ${quoteTable(target)}`;
  const what = column === null ? privilege : `${privilege} (${quoteIdentifier(column)})`;
  const values = [on, target.schema, target.table, column ?? '', privilege, role].map(quoteText).join(', ');
  return doBlock(`
BEGIN
  IF (${hasGrant(grant, quoteText(role))}) IS NOT TRUE THEN
    GRANT ${what} ON ${object} TO ${quoteIdentifier(role)};
    INSERT INTO ${table} VALUES (${values}) ON CONFLICT DO NOTHING;
  END IF;
END
`);
}

/** SQL that tells whether a role has the privilege, by whatever way; null: the object is not there. `role` is SQL, too. */
export function hasGrant({ on, target, column, privilege }: Grant, role: string): string {
  if (on === 'schema')
    return `has_schema_privilege(${role}, to_regnamespace(${quoteText(quoteIdentifier(target.schema))}), '${privilege}')`;
  const table = `to_regclass(${quoteText(quoteTable(target))})`;
  if (column === null) return `has_table_privilege(${role}, ${table}, '${privilege}')`;
  const attribute = `(SELECT attnum FROM pg_catalog.pg_attribute WHERE attrelid = ${table} AND attname = ${quoteText(column)} AND NOT attisdropped)`;
  return `has_column_privilege(${role}, ${table}, ${attribute}, '${privilege}')`;
}

function part(
  given: Partial<SetupPart> & Pick<SetupPart, 'kind' | 'name' | 'reason' | 'sql'> & { comment?: string },
): SetupPart {
  const { comment, ...rest } = given;
  const blank = { table: null, body: null, fingerprint: null, grant: null };
  if (comment === undefined) return { ...blank, ...rest };
  const fingerprint = createHash('sha256').update(given.sql).digest('hex').slice(0, 16);
  const sql = `${given.sql}\nCOMMENT ON ${comment} IS ${quoteText(`${MADE_BY}, ${fingerprint}`)};`;
  return { ...blank, ...rest, sql, fingerprint };
}

function doBlock(body: string): string {
  const tag = dollarTag(body);
  return `DO ${tag}${body}${tag};`;
}

/** A quote that the text cannot end: column names are part of it. */
function dollarTag(text: string): string {
  let tag = '$syncline$';
  for (let i = 0; text.includes(tag); i++) tag = `$syncline${i}$`;
  return tag;
}
