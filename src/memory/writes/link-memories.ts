import { checkId, checkShortText, invalid } from '../fields.ts';
import type { LinkRequest } from '../memories.ts';
import { RELATIONS, type MemoryLink } from '../memory.ts';
import { linkKey } from '../merge/row.ts';
import { linkViewOf } from '../store/views.ts';
import { oneOf } from './request.ts';
import { requireMemory, write, type WriteScope } from './scope.ts';

/** One that is there already stays as it is. @throws NotFound when an end is not live here */
export function linkMemories(scope: WriteScope, request: LinkRequest): { link: MemoryLink } {
  const source_id = requireMemory(scope, checkId('source_id', request.source_id)).id;
  const target_id = requireMemory(scope, checkId('target_id', request.target_id)).id;
  const relation = oneOf('relation', request.relation ?? 'related_to', RELATIONS);
  if (source_id === target_id) throw invalid('target_id', 'is the source itself');
  if (!linkRow(scope, source_id, target_id, relation))
    write(scope, { kind: 'link', source_id, target_id, relation, detail: request.detail ?? {} });
  const row = linkRow(scope, source_id, target_id, relation);
  return { link: linkViewOf(scope, { source_id, target_id, relation, state: row?.state ?? '{}' }) };
}

function linkRow({ db }: WriteScope, ...names: [string, string, string]): { state: string } | undefined {
  return db.get<{ state: string }>('SELECT state FROM link WHERE key = ? AND present = 1', linkKey(...names));
}

/** All relations between the two, in this direction, or the one that is named. */
export function unlinkMemories(
  scope: WriteScope,
  source_id: string,
  target_id: string,
  relation: string | undefined,
): { unlinked: number } {
  const rows = scope.db.all<{ relation: string }>(
    `SELECT relation FROM link WHERE source_id = ?1 AND target_id = ?2 AND present = 1 AND (?3 IS NULL OR relation = ?3)`,
    checkId('source_id', source_id),
    checkId('target_id', target_id),
    relation === undefined ? null : checkShortText('relation', relation),
  );
  for (const row of rows) write(scope, { kind: 'unlink', source_id, target_id, relation: row.relation });
  return { unlinked: rows.length };
}
