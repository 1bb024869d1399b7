/** Standards of namespaces: which memory sets the rules where, and what is above what. */
import type { Database } from '../../storage/sqlite/database.ts';
import type { Stamp } from '../clock/stamp.ts';
import type { NamespaceState } from '../merge/namespace.ts';

export interface Standard {
  namespace: string;
  standard_id: string;
  parent: string | null;
  stamp: Stamp;
}

const MOST_PARENTS = 8;

/** Null: none is set, it was cleared, or its memory is not live. */
export function standardOf(db: Database, namespace: string): Standard | null {
  const row = db.get<{ state: string }>(
    `SELECT c.state FROM coordination c WHERE c.row = 'namespace' AND c.key = ?
       AND EXISTS (SELECT 1 FROM memory m WHERE m.id = json_extract(c.state, '$.value.standard_id') AND m.status = 'live')`,
    namespace,
  );
  if (!row) return null;
  const { value, stamp } = JSON.parse(row.state) as NamespaceState;
  if (!value) return null;
  return { namespace, standard_id: value['standard_id'] as string, parent: parentIn(value['parent']), stamp };
}

function parentIn(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** False for most: then nothing above a namespace needs to be looked for. */
export function hasStandards(db: Database): boolean {
  return db.get(`SELECT 1 FROM coordination WHERE row = 'namespace' LIMIT 1`) !== undefined;
}

/**
 * What stands above a namespace, most general first, itself last: `*`, explicit parents above its first segment (at most
 * 8, never round in a circle), its `/` ancestors.
 */
export function namespaceChain(db: Database, namespace: string): string[] {
  const segments = namespace.split('/');
  const own = segments.map((_, i) => segments.slice(0, i + 1).join('/'));
  const chain: string[] = [];
  let at = own[0] ?? namespace;
  for (let hops = 0; hops < MOST_PARENTS; hops++) {
    const parent = parentOf(db, at);
    if (parent === null || parent === '*' || chain.includes(parent) || own.includes(parent)) break;
    chain.unshift(parent);
    at = parent;
  }
  return [...new Set(['*', ...chain, ...own])];
}

function parentOf(db: Database, namespace: string): string | null {
  return standardOf(db, namespace)?.parent ?? null;
}

/** The parent of one that is set without: the first that has a standard when its name is cut at `-` from the right. */
export function detectedParent(db: Database, namespace: string): string | null {
  for (let name = namespace; name.includes('-');) {
    name = name.slice(0, name.lastIndexOf('-'));
    if (name !== '' && standardOf(db, name)) return name;
  }
  return null;
}
