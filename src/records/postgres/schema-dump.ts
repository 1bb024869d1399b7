/**
 * A database's schema as text, from the catalogue: what is in it, who owns it, who may use it. Two dumps are equal when nothing
 * but data differs, so that removal can be proven. Not for restoring.
 */
import type { Postgres } from '../../storage/postgres/postgres.ts';

/**
 * One line for each object and each right on it, in a fixed order; object ids, statistics and values of sequences are left
 * out. Rights are written out, also those that everybody has by default, because a grant and its revocation leave them so.
 */
export async function schemaDump(postgres: Postgres): Promise<string> {
  const lines = await postgres.transaction(async (connection) => {
    await connection.begin('SET LOCAL search_path TO pg_catalog', 'ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const rows = await connection.query<{ line: string }>(
      `SELECT line FROM (${PARTS.join('\nUNION ALL\n')}) AS dump (line) ORDER BY line COLLATE "C"`,
    );
    await connection.commit([]);
    return rows.map(({ line }) => line);
  });
  return `${lines.join('\n')}\n`;
}

/** What differs, as lines that only one of the dumps has: `-` the first, `+` the second. Empty: they are equal. */
export function dumpDifference(before: string, after: string): string[] {
  const [first, second] = [new Set(before.split('\n')), new Set(after.split('\n'))];
  const gone = [...first].filter((line) => !second.has(line)).map((line) => `- ${line}`);
  const added = [...second].filter((line) => !first.has(line)).map((line) => `+ ${line}`);
  return [...gone, ...added];
}

const NOT_SYSTEM = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`;
const role = (oid: string): string => `CASE WHEN ${oid} = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(${oid})::text END`;
/** One row for each right of an object; `kind` as `acldefault` takes it, null where there are no default rights. */
const rights = (acl: string, kind: string | null, owner: string): string =>
  `aclexplode(${kind === null ? acl : `coalesce(${acl}, acldefault('${kind}', ${owner}))`}) AS acl`;
const RIGHT = `' right ' || ${role('acl.grantee')} || ' ' || acl.privilege_type || CASE WHEN acl.is_grantable THEN ' with grant option' ELSE '' END
  || ' by ' || ${role('acl.grantor')}`;
/** `concat_ws` leaves nulls out, so a comment that is not there adds nothing. */
const line = (...parts: string[]): string => `concat_ws(' ', ${parts.join(', ')})`;

const PARTS = [
  `SELECT ${line(`'schema'`, 'quote_ident(n.nspname)', `'owner'`, role('n.nspowner'), `'comment ' || quote_literal(obj_description(n.oid, 'pg_namespace'))`)}
   FROM pg_namespace n WHERE ${NOT_SYSTEM}`,
  `SELECT 'schema ' || quote_ident(n.nspname) || ${RIGHT}
   FROM pg_namespace n, ${rights('n.nspacl', 'n', 'n.nspowner')} WHERE ${NOT_SYSTEM}`,
  `SELECT ${line(
    `'relation'`,
    'c.oid::regclass::text',
    'c.relkind',
    'c.relpersistence',
    `'owner'`,
    role('c.relowner'),
    `'access ' || (SELECT amname FROM pg_am WHERE oid = c.relam)`,
    `'options ' || c.reloptions::text`,
    `'toast ' || (SELECT s.reloptions::text FROM pg_class s WHERE s.oid = c.reltoastrelid)`,
    `CASE WHEN c.relrowsecurity THEN 'row security' END`,
    `CASE WHEN c.relforcerowsecurity THEN 'forced' END`,
    `'identity ' || c.relreplident::text`,
    `'partition ' || pg_get_expr(c.relpartbound, c.oid)`,
    `'by ' || pg_get_partkeydef(c.oid)`,
    `(SELECT 'inherits ' || string_agg(i.inhparent::regclass::text, ',' ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = c.oid)`,
    `CASE WHEN c.relkind IN ('v', 'm') THEN 'as ' || pg_get_viewdef(c.oid) END`,
    `'comment ' || quote_literal(obj_description(c.oid, 'pg_class'))`,
  )}
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${NOT_SYSTEM} AND c.relkind NOT IN ('i', 'I', 't')`,
  `SELECT 'relation ' || c.oid::regclass::text || ${RIGHT}
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, LATERAL aclexplode(coalesce(c.relacl,
     acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) AS acl
   WHERE ${NOT_SYSTEM} AND c.relkind NOT IN ('i', 'I', 't', 'c')`,
  `SELECT ${line(
    `'column'`,
    `c.oid::regclass::text || '.' || quote_ident(a.attname)`,
    'a.attnum - (SELECT count(*) FROM pg_attribute d WHERE d.attrelid = c.oid AND d.attisdropped AND d.attnum < a.attnum)',
    'format_type(a.atttypid, a.atttypmod)',
    `CASE WHEN a.attnotnull THEN 'not null' END`,
    `'default ' || pg_get_expr(d.adbin, d.adrelid)`,
    `'identity ' || nullif(a.attidentity::text, '')`,
    `'generated ' || nullif(a.attgenerated::text, '')`,
    `'storage ' || a.attstorage::text`,
    `'compression ' || nullif(a.attcompression::text, '')`,
    `'collation ' || (SELECT collname FROM pg_collation WHERE oid = a.attcollation)`,
    `'statistics ' || nullif(a.attstattarget, -1)`,
    `'options ' || a.attoptions::text`,
    `'comment ' || quote_literal(col_description(c.oid, a.attnum))`,
  )}
   FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE ${NOT_SYSTEM} AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind NOT IN ('i', 'I', 't', 'S')`,
  `SELECT 'column ' || c.oid::regclass::text || '.' || quote_ident(a.attname) || ${RIGHT}
   FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace, ${rights('a.attacl', null, '')}
   WHERE ${NOT_SYSTEM} AND NOT a.attisdropped`,
  `SELECT ${line(`'constraint'`, 'quote_ident(n.nspname)', `coalesce(nullif(o.conrelid, 0)::regclass::text, nullif(o.contypid, 0)::regtype::text)`, 'quote_ident(o.conname)', 'pg_get_constraintdef(o.oid)', `'comment ' || quote_literal(obj_description(o.oid, 'pg_constraint'))`)}
   FROM pg_constraint o JOIN pg_namespace n ON n.oid = o.connamespace WHERE ${NOT_SYSTEM}`,
  `SELECT ${line(`'index'`, 'pg_get_indexdef(i.indexrelid)', `'valid ' || i.indisvalid`, `CASE WHEN i.indisclustered THEN 'clustered' END`, `CASE WHEN i.indisreplident THEN 'replica identity' END`, `'comment ' || quote_literal(obj_description(i.indexrelid, 'pg_class'))`)}
   FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${NOT_SYSTEM}`,
  `SELECT ${line(`'trigger'`, 'pg_get_triggerdef(t.oid)', `'enabled ' || t.tgenabled::text`, `'comment ' || quote_literal(obj_description(t.oid, 'pg_trigger'))`)}
   FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${NOT_SYSTEM} AND NOT t.tgisinternal`,
  `SELECT ${line(`'function'`, 'p.oid::regprocedure::text', `'owner'`, role('p.proowner'), `CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END`, `'comment ' || quote_literal(obj_description(p.oid, 'pg_proc'))`)}
   FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${NOT_SYSTEM}`,
  `SELECT 'function ' || p.oid::regprocedure::text || ${RIGHT}
   FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, ${rights('p.proacl', 'f', 'p.proowner')} WHERE ${NOT_SYSTEM}`,
  `SELECT ${line(
    `'sequence'`,
    's.seqrelid::regclass::text',
    'format_type(s.seqtypid, NULL)',
    's.seqstart',
    's.seqincrement',
    's.seqmin',
    's.seqmax',
    's.seqcache',
    's.seqcycle',
    `(SELECT 'owned by ' || d.refobjid::regclass::text || '.' || d.refobjsubid FROM pg_depend d WHERE d.objid = s.seqrelid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_class'::regclass)`,
  )}
   FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${NOT_SYSTEM}`,
  `SELECT ${line(
    `'type'`,
    't.oid::regtype::text',
    't.typtype',
    `'owner'`,
    role('t.typowner'),
    `CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END`,
    `CASE WHEN t.typnotnull THEN 'not null' END`,
    `'default ' || t.typdefault`,
    `(SELECT string_agg(quote_literal(e.enumlabel), ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)`,
    `'comment ' || quote_literal(obj_description(t.oid, 'pg_type'))`,
  )}
   FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE ${NOT_SYSTEM} AND t.typelem = 0 AND (t.typrelid = 0 OR t.typtype <> 'c')`,
  `SELECT 'type ' || t.oid::regtype::text || ${RIGHT}
   FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace, ${rights('t.typacl', 'T', 't.typowner')} WHERE ${NOT_SYSTEM} AND t.typelem = 0 AND t.typrelid = 0`,
  `SELECT ${line(`'rule'`, 'pg_get_ruledef(r.oid)', `'enabled ' || r.ev_enabled::text`)}
   FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${NOT_SYSTEM} AND r.rulename <> '_RETURN'`,
  `SELECT ${line(`'policy'`, 'p.polrelid::regclass::text', 'quote_ident(p.polname)', 'p.polcmd', 'p.polpermissive', `(SELECT string_agg(${role('x')}, ',' ORDER BY x) FROM unnest(p.polroles) AS r (x))`, `'using ' || pg_get_expr(p.polqual, p.polrelid)`, `'check ' || pg_get_expr(p.polwithcheck, p.polrelid)`)}
   FROM pg_policy p`,
  `SELECT ${line(`'extension'`, 'quote_ident(e.extname)', 'e.extversion', 'e.extnamespace::regnamespace::text')} FROM pg_extension e`,
  `SELECT ${line(`'statistics'`, 'pg_get_statisticsobjdef(s.oid)')} FROM pg_statistic_ext s`,
  `SELECT ${line(`'event trigger'`, 'quote_ident(e.evtname)', 'e.evtevent', 'e.evtfoid::regprocedure::text', 'e.evtenabled', 'e.evttags::text')} FROM pg_event_trigger e`,
  `SELECT ${line(
    `'publication'`,
    'quote_ident(p.pubname)',
    'p.puballtables',
    'p.pubinsert',
    'p.pubupdate',
    'p.pubdelete',
    'p.pubtruncate',
    'p.pubviaroot',
    `(SELECT string_agg(r.prrelid::regclass::text, ',' ORDER BY r.prrelid::regclass::text) FROM pg_publication_rel r WHERE r.prpubid = p.oid)`,
  )} FROM pg_publication p`,
  `SELECT 'default right ' || ${role('d.defaclrole')} || ' ' || coalesce(nullif(d.defaclnamespace, 0)::regnamespace::text, '-') || ' ' || d.defaclobjtype::text || ${RIGHT}
   FROM pg_default_acl d, ${rights('d.defaclacl', null, '')}`,
  `SELECT 'setting ' || ${role('s.setrole')} || ' ' || c FROM pg_db_role_setting s, unnest(s.setconfig) AS c
   WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))`,
  `SELECT 'database' || ${RIGHT} FROM pg_database d, ${rights('d.datacl', 'd', 'd.datdba')} WHERE d.datname = current_database()`,
  `SELECT ${line(
    `'role'`,
    'quote_ident(r.rolname)',
    'r.rolsuper',
    'r.rolinherit',
    'r.rolcreaterole',
    'r.rolcreatedb',
    'r.rolcanlogin',
    'r.rolreplication',
    'r.rolbypassrls',
    `(SELECT string_agg(${role('m.roleid')}, ',' ORDER BY ${role('m.roleid')}) FROM pg_auth_members m WHERE m.member = r.oid)`,
  )} FROM pg_roles r WHERE r.rolname !~ '^pg_'`,
];
