/** Removes all that Syncline made in a customer's database, and nothing else. */
import { SynclineError } from '../../platform/errors.ts';
import type { Postgres, PostgresConnection } from '../../storage/postgres/postgres.ts';
import { MADE_BY } from '../../storage/postgres/schema-name.ts';
import { quoteIdentifier, quoteTable } from './identifiers.ts';
import { SETUP_SETTINGS } from './setup-sql.ts';
import { refused, setupLock } from './setup.ts';

/** What is to be removed, for a person to see first, in the order in which it goes. */
export interface UninstallPlan {
  readonly statements: readonly string[];
  /** Tables of the schema with their rows, about; what is kept nowhere else (links, history) goes with them. */
  readonly tables: readonly { readonly name: string; readonly rows: number }[];
  /** False: the schema was there before Syncline, and stays. */
  readonly drops_schema: boolean;
}

/**
 * What an uninstall would do. `made`: tables and sequences of the flow's and the engine's migrations (`objectsOfRecords`); what setup
 * made is known.
 * @throws SynclineError `records.foreign_objects` when somebody else keeps something in the schema
 */
export async function planUninstall(
  postgres: Postgres,
  schema: string,
  made: readonly string[],
): Promise<UninstallPlan> {
  return postgres.snapshot((connection) => planOn(connection, schema, made));
}

/**
 * Removes triggers, functions, tables, grants and the schema in one transaction: all of it, or nothing. When nothing is there
 * it does nothing.
 * @throws StaleError `records.setup_busy`; SynclineError `records.foreign_objects`, `records.in_use`, `records.setup_forbidden`
 */
export async function uninstall(postgres: Postgres, schema: string, made: readonly string[]): Promise<UninstallPlan> {
  return postgres.transaction(async (connection) => {
    await connection.begin(`${SETUP_SETTINGS}; ${setupLock(schema)}`);
    const plan = await planOn(connection, schema, made);
    for (const statement of plan.statements)
      await connection.query(statement).catch((error: unknown) => {
        throw inUse(error, schema) ?? refused(error, 'schema', schema);
      });
    await connection.commit([]);
    return plan;
  });
}

/** The statements as a file for `psql`. */
export function uninstallScript({ statements }: UninstallPlan): string {
  const lines = statements.map((statement) => `${statement};`);
  return ['-- Removal of Syncline.', 'BEGIN;', `${SETUP_SETTINGS};`, ...lines, 'COMMIT;', ''].join('\n');
}

const OWN_TABLES = ['outbox', 'hole', 'granted'];

interface SchemaContent {
  is_made: boolean;
  tables: { name: string; rows: number }[];
  functions: string[];
  /** Of their own: those of columns go with them. */
  sequences: string[];
  /** What is neither: views, sequences of their own, types, functions without our mark. */
  others: string[];
}

async function planOn(
  connection: PostgresConnection,
  schema: string,
  known: readonly string[],
): Promise<UninstallPlan> {
  const content = await contentOf(connection, schema);
  if (content === null) return { statements: [], tables: [], drops_schema: false };
  const ours = new Set([...OWN_TABLES, ...known]);
  const foreign = [
    ...content.sequences.filter((name) => !ours.has(name)),
    ...content.others,
    ...content.tables.filter(({ name }) => !ours.has(name)).map(({ name }) => name),
  ];
  if (foreign.length > 0)
    throw new SynclineError(
      'records.foreign_objects',
      `Schema ${schema} holds what Syncline did not make: ${foreign.join(', ')}`,
      {
        hint: 'Move it to another schema, then uninstall again. Nothing was removed.',
      },
    );
  const tables = content.tables.map(({ name }) => quoteTable({ schema, table: name }));
  const statements = [
    ...(await dropTriggers(connection, schema)),
    ...content.functions.map((name) => `DROP FUNCTION ${quoteTable({ schema, table: name })}()`),
    ...(content.tables.some(({ name }) => name === 'granted') ? await revokeGrants(connection, schema) : []),
    ...(tables.length > 0 ? [`DROP TABLE ${tables.join(', ')}`] : []),
    ...content.sequences.map((name) => `DROP SEQUENCE ${quoteTable({ schema, table: name })}`),
    ...(content.is_made ? [`DROP SCHEMA ${quoteIdentifier(schema)}`] : []),
  ];
  return { statements, tables: content.tables, drops_schema: content.is_made };
}

async function contentOf(connection: PostgresConnection, schema: string): Promise<SchemaContent | null> {
  const [row] = await connection.query<SchemaContent>(
    `SELECT coalesce(obj_description(n.oid, 'pg_namespace'), '') = $2 AS is_made,
       (SELECT coalesce(json_agg(json_build_object('name', relname, 'rows', greatest(0, reltuples)::bigint) ORDER BY relname), '[]')
        FROM pg_class WHERE relnamespace = n.oid AND relkind IN ('r', 'p') AND NOT relispartition) AS tables,
       (SELECT coalesce(array_agg(proname::text ORDER BY proname), '{}')
        FROM pg_proc WHERE pronamespace = n.oid AND obj_description(oid, 'pg_proc') LIKE $2 || '%') AS functions,
       ARRAY(
         SELECT relname::text FROM pg_class c WHERE relnamespace = n.oid AND relkind = 'S'
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i')
                             AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass)) AS sequences,
       ARRAY(
         SELECT relname::text FROM pg_class WHERE relnamespace = n.oid AND relkind IN ('v', 'm', 'f')
         UNION ALL
         SELECT proname::text FROM pg_proc
         WHERE pronamespace = n.oid AND coalesce(obj_description(oid, 'pg_proc'), '') NOT LIKE $2 || '%'
         UNION ALL
         SELECT typname::text FROM pg_type t WHERE typnamespace = n.oid AND typelem = 0
           AND (typrelid = 0 OR (SELECT relkind = 'c' FROM pg_class WHERE oid = t.typrelid))) AS others
     FROM pg_namespace n WHERE n.nspname = $1`,
    [schema, MADE_BY],
  );
  return row ?? null;
}

/** Every trigger that calls something of the schema, also of mappings that are no more. */
async function dropTriggers(connection: PostgresConnection, schema: string): Promise<string[]> {
  const triggers = await connection.query<{ name: string; schema: string; table: string }>(
    `SELECT t.tgname::text AS name, n.nspname::text AS schema, c.relname::text AS table
     FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid
       JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE p.pronamespace = $1::regnamespace AND NOT t.tgisinternal AND t.tgparentid = 0 ORDER BY 2, 3, 1`,
    [quoteIdentifier(schema)],
  );
  return triggers.map(({ name, ...table }) => `DROP TRIGGER ${quoteIdentifier(name)} ON ${quoteTable(table)}`);
}

/** Exactly what setup granted, where it still exists. What is in the schema goes with it. */
async function revokeGrants(connection: PostgresConnection, schema: string): Promise<string[]> {
  const granted = quoteTable({ schema, table: 'granted' });
  const rows = await connection.query<{ statement: string }>(
    `SELECT CASE g.on_kind
         WHEN 'schema' THEN format('REVOKE %s ON SCHEMA %I FROM %I', privilege, schema_name, role_name)
         ELSE format('REVOKE %s%s ON TABLE %I.%I FROM %I', privilege,
                     CASE WHEN column_name <> '' THEN format(' (%I)', column_name) END, schema_name, table_name, role_name)
       END AS statement
     FROM ${granted} AS g
     WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = g.role_name)
       AND (g.schema_name <> $1 OR g.on_kind = 'schema')
       AND CASE g.on_kind
             WHEN 'schema' THEN EXISTS (SELECT FROM pg_namespace WHERE nspname = g.schema_name)
             ELSE to_regclass(format('%I.%I', g.schema_name, g.table_name)) IS NOT NULL
               AND (g.column_name = '' OR EXISTS (
                 SELECT FROM pg_attribute WHERE attrelid = to_regclass(format('%I.%I', g.schema_name, g.table_name))
                   AND attname = g.column_name AND NOT attisdropped))
           END
     ORDER BY 1`,
    [schema],
  );
  return rows.map(({ statement }) => statement);
}

function inUse(error: unknown, schema: string): SynclineError | null {
  if ((error as { code?: string }).code !== '2BP01') return null;
  return new SynclineError('records.in_use', `Something outside of schema ${schema} depends on what is in it`, {
    hint: 'A view or a function of yours uses a table of Syncline. Drop it, then uninstall again. Nothing was removed.',
  });
}
