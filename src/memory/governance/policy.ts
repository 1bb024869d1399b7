/**
 * What a namespace lets whom do. A policy stands in `metadata.governance` of the namespace's standard; the nearest
 * namespace that has one decides alone (specification §2.6, §2.7).
 */
import type { Database } from '../../storage/sqlite/database.ts';
import { invalid } from '../fields.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import type { Memory } from '../memory.ts';
import { readMemoryState } from '../merge/row.ts';
import { metadataOf } from '../store/views.ts';
import { hasStandards, namespaceChain, standardOf } from './standards.ts';

export type Act = 'write' | 'promote' | 'delete';
export const LEVELS = ['any', 'registered', 'owner', 'approve'] as const;
export type Level = (typeof LEVELS)[number];

export type Approver = 'human' | { agent: string } | { consensus: number };

export interface Policy {
  levels: Record<Act, Level>;
  approver: Approver;
  /** Whose namespace it is: the agent of the standard. */
  owner: string | null;
}

/** `ask`: it has to be approved first. */
export type Verdict = { allowed: true } | { allowed: false } | { ask: Approver };

export const AGENTS_NAMESPACE = '_agents';

/** Null: nobody set one. */
export function policyOf(db: Database, namespace: string): Policy | null {
  if (!hasStandards(db)) return null;
  for (const name of namespaceChain(db, namespace).reverse()) {
    const standard = standardOf(db, name);
    if (!standard) continue;
    const row = db.get<{ state: string }>(
      `SELECT state FROM memory WHERE id = ? AND status = 'live'`,
      standard.standard_id,
    );
    const metadata = row ? metadataOf(readMemoryState(row.state)) : {};
    const governance = metadata['governance'];
    if (!isObject(governance)) continue;
    const owner = metadata['agent_id'];
    return { ...readGovernance(governance), owner: typeof owner === 'string' ? owner : null };
  }
  return null;
}

/** As lenient as what is kept may be old or of a newer member: what is not understood asks for a person. */
function readGovernance(governance: JsonObject): Pick<Policy, 'levels' | 'approver'> {
  const level = (name: Act, standard: Level): Level => {
    const value = governance[name];
    return value === undefined ? standard : (LEVELS.find((known) => known === value) ?? 'approve');
  };
  return {
    levels: { write: level('write', 'any'), promote: level('promote', 'any'), delete: level('delete', 'owner') },
    approver: readApprover(governance['approver'] ?? 'human') ?? 'human',
  };
}

export function readApprover(value: Json): Approver | null {
  if (value === 'human') return value;
  if (!isObject(value)) return null;
  const { agent, consensus } = value;
  if (typeof agent === 'string') return { agent };
  if (Number.isInteger(consensus) && (consensus as number) >= 1) return { consensus: consensus as number };
  return null;
}

/** Of a request that sets a policy. @throws InvalidInputError */
export function checkGovernance(value: Json): JsonObject {
  if (!isObject(value)) throw invalid('governance', 'is not an object');
  if (value['write'] === undefined) throw invalid('governance.write', 'is missing');
  for (const act of ['write', 'promote', 'delete'] as const)
    if (value[act] !== undefined && !LEVELS.some((level) => level === value[act]))
      throw invalid(`governance.${act}`, `is not one of ${LEVELS.join(', ')}`);
  if (value['approver'] !== undefined && !readApprover(value['approver']))
    throw invalid('governance.approver', 'is not "human", {"agent": id} or {"consensus": n}');
  if (value['inherit'] !== undefined && typeof value['inherit'] !== 'boolean')
    throw invalid('governance.inherit', 'is not true or false');
  return value;
}

/** `memory`: what is changed; null for something new. */
export function judge(db: Database, policy: Policy | null, act: Act, agent_id: string, memory: Memory | null): Verdict {
  if (!policy) return { allowed: true };
  switch (policy.levels[act]) {
    case 'any':
      return { allowed: true };
    case 'registered':
      return { allowed: isRegistered(db, agent_id) };
    case 'owner':
      return { allowed: agent_id === (memory ? memory.metadata['agent_id'] : policy.owner) };
    case 'approve':
      return { ask: policy.approver };
  }
}

/** Registered agents are memories, so that they replicate as everything else does. Ids are compared without case. */
export function isRegistered(db: Database, agent_id: string): boolean {
  const found = db.get(
    `SELECT 1 FROM memory WHERE status = 'live' AND namespace = ? AND lower(title) = ? LIMIT 1`,
    AGENTS_NAMESPACE,
    `agent:${agent_id.toLowerCase()}`,
  );
  return found !== undefined;
}
