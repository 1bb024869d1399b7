/** What an operation knows, as the state that is joined into its row. */
import type { JsonObject } from '../json.ts';
import type { Author, Operation } from '../operation.ts';
import { parseState } from './parse-state.ts';
import { changeOfLife, deadAt, lifeFrom, metadataRegisters } from './memory.ts';
import { NOT_ASKED, clearedAt, voteOf } from './pending.ts';
import { FLOOR_KEY, linkKey, type Row } from './row.ts';

/** @throws InvalidInputError for a `state` whose parts are malformed */
export function deltaOf(operation: Operation): Row {
  const { stamp, by } = operation;
  switch (operation.kind) {
    case 'store': {
      const values = {
        ...operation.fields,
        ...metadataRegisters(operation.metadata),
        born: author(by),
        by: author(by),
      };
      return { row: 'memory', key: operation.id, state: lifeFrom(stamp, values) };
    }
    case 'update':
      return { row: 'memory', key: operation.id, state: changeOfLife(operation.life, stamp, changed(operation)) };
    case 'archive': {
      const archived = {
        reason: operation.reason,
        ...(operation.expires_at === undefined ? {} : { expires_at: operation.expires_at }),
      };
      return { row: 'memory', key: operation.id, state: changeOfLife(operation.life, stamp, { archived }) };
    }
    case 'restore':
      return { row: 'memory', key: operation.id, state: changeOfLife(operation.life, stamp, { archived: null }) };
    case 'embedding': {
      const embedding = { ...operation.embedding };
      return { row: 'memory', key: operation.id, state: changeOfLife(operation.life, stamp, { embedding }) };
    }
    case 'delete':
      return { row: 'memory', key: operation.id, state: deadAt(stamp) };
    case 'link': {
      const value = { by: author(by), detail: { ...operation.detail } };
      return { row: 'link', key: keyOf(operation), state: { stamp, value } };
    }
    case 'unlink':
      return { row: 'link', key: keyOf(operation), state: { stamp, value: null } };
    case 'namespace_set': {
      const { namespace, standard_id, parent } = operation;
      return { row: 'namespace', key: namespace, state: { stamp, value: { standard_id, parent, by: author(by) } } };
    }
    case 'namespace_clear':
      return { row: 'namespace', key: operation.namespace, state: { stamp, value: null } };
    case 'pending': {
      const value = { ...operation.pending, by: author(by) };
      return { row: 'pending', key: operation.id, state: { ...NOT_ASKED, asked: { stamp, value } } };
    }
    case 'vote':
      return { row: 'pending', key: operation.id, state: { ...NOT_ASKED, votes: voteOf(operation.agent_id, stamp) } };
    case 'decide': {
      const { approved, decider } = operation;
      return { row: 'pending', key: operation.id, state: { ...NOT_ASKED, decision: { stamp, approved, decider } } };
    }
    case 'pending_clear':
      return { row: 'pending', key: operation.id, state: clearedAt(stamp) };
    case 'purge':
      return { row: 'floor', key: FLOOR_KEY, state: { before: operation.before } };
    case 'state':
      return parseState(operation.row, operation.key, operation.state);
  }
}

/** A change of nothing but the expiry says how long a memory stays, not what it is: it has no author. */
function changed(operation: Extract<Operation, { kind: 'update' }>): JsonObject {
  const values = { ...operation.fields, ...metadataRegisters(operation.metadata ?? {}) };
  const only_expiry = Object.keys(values).every((name) => name === 'expires_at');
  return only_expiry ? values : { ...values, by: author(operation.by) };
}

function keyOf({ source_id, target_id, relation }: { source_id: string; target_id: string; relation: string }): string {
  return linkKey(source_id, target_id, relation);
}

function author(by: Author): JsonObject {
  return { ...by };
}
