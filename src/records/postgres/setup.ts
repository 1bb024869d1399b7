/** What of the setup is there, what is not, and making it so. */
import { StaleError, SynclineError, UsageError } from '../../platform/errors.ts';
import type { Postgres, PostgresConnection } from '../../storage/postgres/postgres.ts';
import { MADE_BY } from '../../storage/postgres/schema-name.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import { quoteIdentifier, quoteTable, quoteText, type TableName } from './identifiers.ts';
import { hasGrant, SETUP_SETTINGS, setupParts, type SetupOptions, type SetupPart } from './setup-sql.ts';

/** `xid8`, `CREATE OR REPLACE TRIGGER`. */
const OLDEST_VERSION = 140_000;

/**
 * How a part stands in the database. `different`: it is there, but not as these mappings want it · `disabled`: a trigger that
 * somebody turned off, so that changes are lost · `extra`: setup of a mapping that is no more.
 */
export interface SetupFinding {
  readonly kind: SetupPart['kind'];
  readonly name: string;
  readonly table: TableName | null;
  readonly state: 'present' | 'missing' | 'different' | 'disabled' | 'extra';
  readonly reason: string;
}

/** The findings for every part, and the statements that lead from what is there to what these mappings want. */
export interface SetupState {
  readonly findings: readonly SetupFinding[];
  /** Empty: nothing is to be done. For `setupScript` and `applySetup`. */
  readonly pending: readonly SetupPart[];
}

type Found = Pick<SetupFinding, 'kind' | 'name' | 'table'> & {
  readonly body: string | null;
  readonly comment: string | null;
  readonly enabled: string | null;
};

/**
 * Compares the database with what the mappings want. Reads catalogues only, which every role may.
 * @throws UsageError `records.postgres_version`
 */
export async function verifySetup(
  postgres: Postgres,
  mappings: readonly ObjectMapping[],
  options: SetupOptions,
): Promise<SetupState> {
  return postgres.snapshot(async (connection) => {
    await checkVersion(connection);
    return compare(connection, setupParts(mappings, options), options);
  });
}

/**
 * Makes what is missing or different, in one transaction, and says what it did. Waits at most five seconds for a table that
 * others write to.
 * @throws StaleError `records.setup_busy` when a table stayed busy; nothing was changed then
 */
export async function applySetup(
  postgres: Postgres,
  mappings: readonly ObjectMapping[],
  options: SetupOptions,
): Promise<SetupState> {
  return postgres.transaction(async (connection) => {
    await connection.begin(`${SETUP_SETTINGS}; ${setupLock(options.schema)}`);
    await checkVersion(connection);
    const state = await compare(connection, setupParts(mappings, options), options);
    for (const { sql, table, kind, name } of state.pending)
      await connection.query(sql).catch((error: unknown) => {
        throw refused(error, kind, table === null ? name : `${table.schema}.${table.table}`);
      });
    await connection.commit([]);
    return state;
  });
}

/** Of several programs that set up or remove, one does it at a time. Ends with the transaction. */
export function setupLock(schema: string): string {
  return `SELECT pg_advisory_xact_lock(hashtextextended(${quoteText(`syncline setup of ${schema}`)}, 0))`;
}

/** A failure while the schema is changed, in words of ours: the server's may repeat values. */
export function refused(error: unknown, kind: string, what: string): unknown {
  const code = (error as { code?: string }).code ?? '';
  if (code === '55P03')
    return new StaleError('records.setup_busy', `${what} was busy for five seconds; nothing was changed`, {
      hint: 'Its writers go on. Try again when no long transaction writes to it.',
    });
  if (code === '42501')
    return new SynclineError('records.setup_forbidden', `This role may not change ${kind} ${what}`, {
      hint: 'Let the owner of the table run the printed SQL.',
    });
  if (/^(?:42P01|42703|42704|3F000)$/.test(code))
    return new SynclineError(
      'records.setup_names',
      `The ${kind} for ${what} cannot be made: a name of it does not exist`,
      {
        hint: 'Check the schema, table, columns and role that the mapping and the configuration name.',
      },
    );
  if (code === '42809')
    return new SynclineError('records.setup_kind', `${what} is no table that can have triggers for rows`, {
      hint: 'A view or a materialized view cannot be synced; map the table below it.',
    });
  return error;
}

async function checkVersion(connection: PostgresConnection): Promise<void> {
  const [row] = await connection.query<{ version: number }>(
    `SELECT current_setting('server_version_num')::int AS version`,
  );
  if ((row?.version ?? 0) >= OLDEST_VERSION) return;
  throw new UsageError('records.postgres_version', 'This PostgreSQL is older than version 14', {
    hint: 'Its capture needs PostgreSQL 14 or newer.',
  });
}

async function compare(
  connection: PostgresConnection,
  parts: readonly SetupPart[],
  options: SetupOptions,
): Promise<SetupState> {
  const found = new Map((await findParts(connection, options)).map((one) => [identity(one), one]));
  const granted = await findGrants(connection, parts, options);
  const findings: SetupFinding[] = [];
  const pending: SetupPart[] = [];
  for (const part of parts) {
    const there = found.get(identity(part));
    const state = part.grant !== null ? (granted.has(part.name) ? 'present' : 'missing') : stateOf(part, there);
    found.delete(identity(part));
    findings.push({ kind: part.kind, name: part.name, table: part.table, state, reason: part.reason });
    if (state !== 'present') pending.push(part);
  }
  const extra = [...found.values()].filter(({ kind }) => kind === 'trigger' || kind === 'function');
  // Triggers before the functions that they call.
  const drops = extra.sort((a, b) => (a.kind < b.kind ? 1 : -1)).map((one) => dropPart(one, options));
  for (const { kind, name, table, reason } of drops) findings.push({ kind, name, table, state: 'extra', reason });
  return { findings, pending: [...drops, ...pending] };
}

function stateOf(part: SetupPart, there: Found | undefined): SetupFinding['state'] {
  if (there === undefined) return 'missing';
  if (part.fingerprint !== null && there.comment !== `${MADE_BY}, ${part.fingerprint}`) return 'different';
  if (part.body !== null && there.body !== part.body) return 'different';
  if (there.enabled === 'D') return 'disabled';
  return there.enabled === null || there.enabled === 'A' ? 'present' : 'different';
}

function identity({ kind, name, table }: Pick<SetupFinding, 'kind' | 'name' | 'table'>): string {
  return JSON.stringify([kind, name, kind === 'trigger' ? table : null]);
}

/** Everything in Syncline's schema that setup may have made, and every trigger that calls a function of it. */
async function findParts(connection: PostgresConnection, { schema }: SetupOptions): Promise<Found[]> {
  const rows = await connection.query<Omit<Found, 'table'> & { on_schema: string | null; on_table: string | null }>(
    `WITH own AS (SELECT oid FROM pg_namespace WHERE nspname = $1)
     SELECT 'schema' AS kind, nspname::text AS name, NULL AS on_schema, NULL AS on_table, NULL AS body,
            obj_description(oid, 'pg_namespace') AS comment, NULL AS enabled
     FROM pg_namespace WHERE nspname = $1
     UNION ALL
     SELECT 'table', relname::text, NULL, NULL, NULL, NULL, NULL
     FROM pg_class WHERE relnamespace = (SELECT oid FROM own) AND relkind = 'r' AND relname = ANY($2)
     UNION ALL
     SELECT 'function', proname::text, NULL, NULL, prosrc, CASE WHEN prosecdef THEN obj_description(oid, 'pg_proc') END, NULL
     FROM pg_proc WHERE pronamespace = (SELECT oid FROM own) AND obj_description(oid, 'pg_proc') LIKE $3
     UNION ALL
     SELECT 'trigger', tgname::text, n.nspname::text, c.relname::text, NULL, obj_description(t.oid, 'pg_trigger'), t.tgenabled::text
     FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid
       JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE p.pronamespace = (SELECT oid FROM own) AND NOT t.tgisinternal AND t.tgparentid = 0`,
    [schema, ['outbox', 'hole', 'granted'], `${MADE_BY}%`],
  );
  return rows.map(({ on_schema, on_table, ...rest }) => ({
    ...rest,
    table: on_schema === null || on_table === null ? null : { schema: on_schema, table: on_table },
  }));
}

/** Names of the grants that the role has already, by whatever way. */
async function findGrants(
  connection: PostgresConnection,
  parts: readonly SetupPart[],
  { role }: SetupOptions,
): Promise<Set<string>> {
  const grants = parts.flatMap(({ grant, name }) => (grant === null ? [] : [{ grant, name }]));
  if (role === null || grants.length === 0) return new Set();
  const [{ exists } = { exists: false }] = await connection.query<{ exists: boolean }>(
    'SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS exists',
    [role],
  );
  if (!exists)
    throw new UsageError('records.no_role', 'There is no role of the configured name in this PostgreSQL', {
      hint: 'Create it (CREATE ROLE … LOGIN), or correct the name.',
    });
  const values = grants.map(({ grant, name }) => `(${quoteText(name)}, ${hasGrant(grant, quoteText(role))})`);
  const rows = await connection.query<{ name: string }>(
    `SELECT name FROM (VALUES ${values.join(', ')}) AS g (name, has) WHERE has`,
  );
  return new Set(rows.map(({ name }) => name));
}

/** Removes what a mapping that is no more left behind. */
function dropPart({ kind, name, table }: Found, { schema }: SetupOptions): SetupPart {
  const sql =
    kind === 'trigger' && table !== null
      ? `DROP TRIGGER ${quoteIdentifier(name)} ON ${quoteTable(table)};`
      : `DROP FUNCTION ${quoteTable({ schema, table: name })}();`;
  const reason = `No mapping needs this ${kind} any more.`;
  return { kind, name, table, reason, sql, body: null, fingerprint: null, grant: null };
}
