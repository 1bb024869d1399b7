import { checkId, checkShortText, invalid } from '../fields.ts';
import { maskedLinkDetail } from '../mask-link-detail.ts';
import { parseTime, timeText } from '../clock/stamp.ts';
import type { InvalidationRequest, LinkRequest } from '../memories.ts';
import { RELATIONS, type MemoryLink } from '../memory.ts';
import { linkKey } from '../merge/row.ts';
import type { LinkDetail } from '../operation.ts';
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
    write(scope, { kind: 'link', source_id, target_id, relation, detail: detailOf(scope, request.detail) });
  const row = linkRow(scope, source_id, target_id, relation);
  return { link: linkViewOf(scope, { source_id, target_id, relation, state: row?.state ?? '{}' }) };
}

/**
 * The link again, with the time from which it no longer holds. A signature of what it said before fits no more and goes; who
 * observed it and when it was made stay.
 */
export function invalidateLink(
  scope: WriteScope,
  request: InvalidationRequest,
): { link: MemoryLink | null; previous_valid_until: string | null } {
  const source_id = checkId('source_id', request.source_id);
  const target_id = checkId('target_id', request.target_id);
  const relation = oneOf('relation', request.relation, RELATIONS);
  const ends = { source_id, target_id, relation };
  const row = linkRow(scope, source_id, target_id, relation);
  if (!row) return { link: null, previous_valid_until: null };
  const { created_at, valid_from, valid_until, observed_by, written } = linkViewOf(scope, {
    ...ends,
    state: row.state,
  });
  const detail = {
    ...{ created_at, observed_by: observed_by ?? written.agent_id, valid_until: endOf(scope, request.valid_until) },
    ...(valid_from === undefined ? {} : { valid_from }),
  };
  write(scope, { kind: 'link', ...ends, detail: detailOf(scope, detail) });
  const after = linkRow(scope, source_id, target_id, relation);
  return {
    link: linkViewOf(scope, { ...ends, state: after?.state ?? '{}' }),
    previous_valid_until: valid_until ?? null,
  };
}

function endOf({ clock }: WriteScope, valid_until: string | undefined): string {
  if (valid_until === undefined || valid_until.trim() === '') return timeText(clock.now_ms());
  const ms = parseTime(valid_until);
  if (ms === null) throw invalid('valid_until', 'is not a time in RFC 3339');
  return timeText(ms);
}

/** Without secrets, also where the namespaces of its ends opted out: those are about what memories say. */
export function detailOf({ settings, tally }: WriteScope, detail: LinkDetail = {}): LinkDetail {
  return maskedLinkDetail(settings.redactor, detail, tally);
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

/**
 * Takes all links of a memory that is deleted with it. An absent link can be purged by its stamp alone; a present one
 * whose end is gone could only be told from others by what else is there, which members see in different orders.
 */
export function unlinkAll(scope: WriteScope, id: string): void {
  const rows = scope.db.all<{ source_id: string; target_id: string; relation: string }>(
    'SELECT source_id, target_id, relation FROM link WHERE (source_id = ?1 OR target_id = ?1) AND present = 1 ORDER BY key',
    id,
  );
  for (const row of rows) write(scope, { kind: 'unlink', ...row });
}

const MOST_LOOSE = 1000;

/** Links that were made while another member deleted an end. */
export function unlinkLoose(scope: WriteScope): void {
  const rows = scope.db.all<{ source_id: string; target_id: string; relation: string }>(
    `SELECT l.source_id, l.target_id, l.relation FROM memory m JOIN link l ON m.id IN (l.source_id, l.target_id)
     WHERE m.status = 'dead' AND m.dead <> '' AND l.present = 1 ORDER BY l.key LIMIT ${MOST_LOOSE}`,
  );
  for (const row of rows) write(scope, { kind: 'unlink', ...row });
}
