import type { SQLInputValue } from 'node:sqlite';
import { parseTime } from '../clock/stamp.ts';
import { checkNamespace, checkTags, invalid } from '../fields.ts';
import type { MemoryFilter } from '../memories.ts';
import { visibleTo } from './visibility.ts';

export interface Conditions {
  sql: string;
  parameters: SQLInputValue[];
}

/**
 * Live memories whose time is not over, and that the filter lets through: conditions on `memory m`.
 * @throws InvalidInputError `memory.invalid`
 */
export function conditionsOf(filter: MemoryFilter, now_ms: number): Conditions {
  const parts = [`m.status = 'live'`, '(m.expires_ms IS NULL OR m.expires_ms > ?)'];
  const parameters: SQLInputValue[] = [now_ms];
  const add = (sql: string, ...values: SQLInputValue[]): void => {
    parts.push(sql);
    parameters.push(...values);
  };
  if (filter.namespace !== undefined) add('m.namespace = ?', checkNamespace('namespace', filter.namespace));
  if (filter.tier !== undefined) add('m.tier = ?', filter.tier);
  if (filter.min_priority !== undefined) add('m.priority >= ?', filter.min_priority);
  if (filter.agent_id !== undefined) add('m.agent_id = ?', filter.agent_id);
  if (filter.since !== undefined) add('m.created_ms >= ?', timeOf('since', filter.since));
  if (filter.until !== undefined) add('m.created_ms < ?', timeOf('until', filter.until));
  if (filter.tags !== undefined && filter.tags.length > 0)
    add(
      `NOT EXISTS (SELECT 1 FROM json_each(?) g WHERE g.value NOT IN (
         SELECT t.value FROM json_each(m.state, '$.registers.tags[0]') t))`,
      JSON.stringify(checkTags('tags', filter.tags)),
    );
  if (filter.as_agent !== undefined) {
    const visible = visibleTo(checkNamespace('as_agent', filter.as_agent));
    add(visible.sql, ...visible.parameters);
  }
  return { sql: parts.join(' AND '), parameters };
}

function timeOf(field: string, text: string): number {
  const ms = parseTime(text);
  if (ms === null) throw invalid(field, 'is not a time of RFC 3339');
  return ms;
}

/** A number of rows to return. @throws InvalidInputError */
export function limitOf(limit: number | undefined, standard: number, most: number): number {
  if (limit === undefined) return standard;
  if (!Number.isInteger(limit) || limit < 1) throw invalid('limit', 'is not a whole number from 1');
  return Math.min(limit, most);
}

export function offsetOf(offset: number | undefined): number {
  if (offset === undefined) return 0;
  if (!Number.isSafeInteger(offset) || offset < 0) throw invalid('offset', 'is not a whole number from 0');
  return offset;
}
