import { InvalidInputError } from '../../platform/errors.ts';
import type { Clock } from '../../platform/clock.ts';
import { stampTime } from '../clock/stamp.ts';
import { erasable } from './erasable.ts';
import { checkId } from '../fields.ts';
import { namespaceChain, standardOf, type Standard } from '../governance/standards.ts';
import { pendingActionOf, pendingActions } from '../governance/pending-view.ts';
import { isObject, type JsonObject } from '../json.ts';
import type { MemoryExport, MemoryReads } from '../memories.ts';
import type {
  ArchivedMemory,
  HistoryEntry,
  Memory,
  MemoryLink,
  MemoryStatistics,
  NamespaceStandard,
} from '../memory.ts';
import { METADATA_PREFIX } from '../merge/memory.ts';
import { operationId } from '../origin.ts';
import { parseOperation } from '../parse-operation.ts';
import { conditionsOf, limitOf, offsetOf } from '../recall/conditions.ts';
import { search } from '../recall/search.ts';
import type { OperationLog } from './operation-log.ts';
import { subjectOf } from './work.ts';
import {
  FROM_MEMORY,
  MEMORY_ROW,
  archivedMemoryOf,
  linkViewOf,
  memoryOf,
  provenanceOf,
  type MemoryRow,
  type ViewContext,
} from './views.ts';

export interface ReadParts extends ViewContext {
  clock: Clock;
  log: OperationLog;
  /** How long a pending action may wait. */
  pending_timeout_ms: number;
}

const LIVE = `m.status = 'live' AND (m.expires_ms IS NULL OR m.expires_ms > ?)`;
const EXPORTED_AT_ONCE = 500;
const MOST_HISTORY = 1000;

/** All reads but `recall`, which also counts, and the two that ask replication. */
export function reads(parts: ReadParts): Omit<MemoryReads, 'recall' | 'durability' | 'waitDurable'> {
  const { db, clock } = parts;
  return {
    get: async (id) => findMemory(parts, id),
    getMany: async (ids) =>
      db
        .all<MemoryRow>(
          `SELECT ${MEMORY_ROW} ${FROM_MEMORY} WHERE ${LIVE} AND m.id IN (SELECT value FROM json_each(?))`,
          clock.now_ms(),
          JSON.stringify(ids),
        )
        .map((row) => memoryOf(parts, row)),
    list: async (query) => {
      const { sql, parameters } = conditionsOf(query, clock.now_ms());
      return db
        .all<MemoryRow>(
          `SELECT ${MEMORY_ROW} ${FROM_MEMORY} WHERE ${sql} ORDER BY m.priority DESC, m.updated DESC LIMIT ? OFFSET ?`,
          ...parameters,
          limitOf(query.limit, 20, 1000),
          offsetOf(query.offset),
        )
        .map((row) => memoryOf(parts, row));
    },
    count: async (filter) => {
      const { sql, parameters } = conditionsOf(filter, clock.now_ms());
      return db.value<number>(`SELECT count(*) FROM memory m WHERE ${sql}`, ...parameters);
    },
    search: async (query) => search(parts, query, clock.now_ms()),
    links: async (id) => linksOf(parts, id),
    linksFrom: async (ids) => linksFrom(parts, ids),
    archived: async (query) => archived(parts, query),
    archiveStatistics: async () => archiveStatistics(parts),
    statistics: async () => statistics(parts),
    namespaces: async () =>
      db.all<{ namespace: string; memories: number }>(
        `SELECT m.namespace, count(*) AS memories FROM memory m WHERE ${LIVE} GROUP BY m.namespace ORDER BY m.namespace`,
        clock.now_ms(),
      ),
    standard: async (namespace) => standardView(standardOf(db, namespace)),
    inheritedStandards: async (namespace) =>
      namespaceChain(db, namespace).flatMap((name) => {
        const standard = standardView(standardOf(db, name));
        return standard ? [{ ...standard, memory: liveMemory(parts, standard.standard_id) }] : [];
      }),
    pending: async (query) => pendingActions(parts, query),
    pendingAction: async (id) => pendingActionOf(parts, id),
    history: async (id) => history(parts, id),
    erasable: async (query) => erasable(parts.db, query),
    export: () => exportPages(parts),
  };
}

/** By id or its beginning, live. @throws InvalidInputError `memory.ambiguous` */
export function findMemory(parts: ViewContext & { clock: Clock }, id_or_prefix: string): Memory | null {
  const id = checkId('id', id_or_prefix);
  const exact = liveMemory(parts, id);
  if (exact) return exact;
  const rows = parts.db.all<MemoryRow>(
    `SELECT ${MEMORY_ROW} ${FROM_MEMORY} WHERE ${LIVE} AND m.id >= ? AND m.id < ? || char(1114111) LIMIT 2`,
    parts.clock.now_ms(),
    id,
    id,
  );
  if (rows.length > 1)
    throw new InvalidInputError('memory.ambiguous', 'Several memories have ids that begin so', {
      field: 'id',
      hint: 'Give more of the id.',
    });
  return rows[0] ? memoryOf(parts, rows[0]) : null;
}

export function liveMemory(parts: ViewContext & { clock: Clock }, id: string): Memory | null {
  const row = parts.db.get<MemoryRow>(
    `SELECT ${MEMORY_ROW} ${FROM_MEMORY} WHERE ${LIVE} AND m.id = ?`,
    parts.clock.now_ms(),
    id,
  );
  return row ? memoryOf(parts, row) : null;
}

const BOTH_ENDS_LIVE = `l.present = 1 AND EXISTS (SELECT 1 FROM memory s WHERE s.id = l.source_id AND s.status = 'live')
  AND EXISTS (SELECT 1 FROM memory t WHERE t.id = l.target_id AND t.status = 'live')`;

interface LinkRow {
  source_id: string;
  target_id: string;
  relation: string;
  state: string;
}

function linksOf(parts: ReadParts, id: string): MemoryLink[] {
  return parts.db
    .all<LinkRow>(
      `SELECT l.source_id, l.target_id, l.relation, l.state FROM link l
       WHERE (l.source_id = ?1 OR l.target_id = ?1) AND ${BOTH_ENDS_LIVE} ORDER BY l.stamp`,
      id,
    )
    .map((row) => linkViewOf(parts, row));
}

const MOST_LINKS = 10_000;

function linksFrom(parts: ReadParts, ids: readonly string[]): MemoryLink[] {
  return parts.db
    .all<LinkRow>(
      `SELECT l.source_id, l.target_id, l.relation, l.state FROM link l
       WHERE l.source_id IN (SELECT value FROM json_each(?1)) AND ${BOTH_ENDS_LIVE} ORDER BY l.stamp LIMIT ?2`,
      JSON.stringify(ids),
      MOST_LINKS,
    )
    .map((row) => linkViewOf(parts, row));
}

function archived(parts: ReadParts, query: { namespace?: string; limit?: number; offset?: number }): ArchivedMemory[] {
  return parts.db
    .all<MemoryRow>(
      `SELECT ${MEMORY_ROW} ${FROM_MEMORY} WHERE m.status = 'archived' AND (?1 IS NULL OR m.namespace = ?1)
       ORDER BY m.archived DESC LIMIT ?2 OFFSET ?3`,
      query.namespace ?? null,
      limitOf(query.limit, 50, 1000),
      offsetOf(query.offset),
    )
    .map((row) => archivedMemoryOf(parts, row));
}

function archiveStatistics({ db }: ReadParts): { archived_total: number; by_namespace: Record<string, number> } {
  const rows = db.all<{ name: string; rows: number }>(
    `SELECT namespace AS name, count(*) AS rows FROM memory WHERE status = 'archived' GROUP BY namespace`,
  );
  return { archived_total: rows.reduce((total, { rows: count }) => total + count, 0), by_namespace: recordOf(rows) };
}

function statistics(parts: ReadParts): MemoryStatistics {
  const { db, clock, log } = parts;
  const now = clock.now_ms();
  const one = (sql: string, ...parameters: (string | number)[]): number => db.value<number>(sql, ...parameters);
  const grouped = (column: string): Record<string, number> =>
    recordOf(
      db.all(`SELECT m.${column} AS name, count(*) AS rows FROM memory m WHERE ${LIVE} GROUP BY m.${column}`, now),
    );
  return {
    memories: one(`SELECT count(*) FROM memory m WHERE ${LIVE}`, now),
    by_tier: grouped('tier'),
    by_namespace: grouped('namespace'),
    expired: one(
      `SELECT count(*) FROM memory WHERE status = 'live' AND expires_ms IS NOT NULL AND expires_ms <= ?`,
      now,
    ),
    archived: one(`SELECT count(*) FROM memory WHERE status = 'archived'`),
    links: one(`SELECT count(*) FROM link l WHERE ${BOTH_ENDS_LIVE}`),
    pending: pendingActions(parts, { status: 'pending', limit: 1000 }).length,
    tombstones: one(`SELECT count(*) FROM memory WHERE status = 'dead'`),
    operations: log.count(),
    size_bytes: db.usedBytes(),
  };
}

function recordOf(rows: readonly { name: string; rows: number }[]): Record<string, number> {
  return Object.fromEntries(rows.map(({ name, rows: count }) => [name, count]));
}

export function standardView(standard: Standard | null): NamespaceStandard | null {
  if (!standard) return null;
  const { namespace, standard_id, parent, stamp } = standard;
  return { namespace, standard_id, parent, updated_at: stampTime(stamp) };
}

/** What the log still has about an id, oldest first. Operations that repair say so by their kind. */
function history(parts: ReadParts, id: string): HistoryEntry[] {
  const entries = parts.log.ofSubject(checkId('id', id), MOST_HISTORY).flatMap(({ origin, sequence, text }) => {
    if (text === null) return [];
    const operation = parseOperation(text);
    if (subjectOf(operation) !== id) return [];
    const detail = JSON.parse(text) as JsonObject;
    const by = provenanceOf(parts.member, { ...operation.by }, operation.stamp);
    const entry: HistoryEntry = {
      operation: operationId(origin, sequence),
      kind: operation.kind,
      at: by.at,
      by,
      fields: fieldsOf(detail),
      detail,
    };
    return [{ stamp: operation.stamp, entry }];
  });
  return entries.sort((a, b) => (a.stamp < b.stamp ? -1 : 1)).map(({ entry }) => entry);
}

function fieldsOf(detail: JsonObject): string[] {
  const fields = isObject(detail['fields']) ? Object.keys(detail['fields']) : [];
  const metadata = isObject(detail['metadata']) ? Object.keys(detail['metadata']) : [];
  return [...fields, ...metadata.map((name) => METADATA_PREFIX + name)];
}

async function* exportPages(parts: ReadParts): AsyncGenerator<MemoryExport> {
  let after = '';
  for (;;) {
    const rows = parts.db.all<MemoryRow>(
      `SELECT ${MEMORY_ROW} ${FROM_MEMORY} WHERE ${LIVE} AND m.id > ? ORDER BY m.id LIMIT ${EXPORTED_AT_ONCE}`,
      parts.clock.now_ms(),
      after,
    );
    if (rows.length === 0) return;
    const links = parts.db.all<LinkRow>(
      `SELECT l.source_id, l.target_id, l.relation, l.state FROM link l
       WHERE l.source_id IN (SELECT value FROM json_each(?)) AND ${BOTH_ENDS_LIVE}`,
      JSON.stringify(rows.map(({ id }) => id)),
    );
    yield { memories: rows.map((row) => exported(memoryOf(parts, row))), links: links.map(exportedLink) };
    after = rows.at(-1)?.id ?? '';
  }
}

function exported(memory: Memory): MemoryExport['memories'][number] {
  const { id, own_title, content, namespace, tags, priority, confidence, source } = memory;
  const { expires_at, metadata, extra, created_at } = memory;
  const tier = memory.tier as NonNullable<MemoryExport['memories'][number]['tier']>;
  return {
    id,
    title: own_title,
    content,
    namespace,
    tier,
    tags,
    priority,
    confidence,
    source,
    expires_at,
    metadata,
    extra,
    created_at,
  };
}

function exportedLink({ source_id, target_id, relation, state }: LinkRow): MemoryExport['links'][number] {
  const { value } = JSON.parse(state) as { value: JsonObject | null };
  return { source_id, target_id, relation, detail: (value?.['detail'] ?? {}) as object };
}
