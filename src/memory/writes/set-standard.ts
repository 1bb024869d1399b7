import { uuidv7 } from '../../platform/random.ts';
import { requireAllowed } from '../governance/ask.ts';
import { checkGovernance } from '../governance/policy.ts';
import { detectedParent, standardOf } from '../governance/standards.ts';
import { checkId, checkNamespaceOrAll, invalid } from '../fields.ts';
import type { StandardRequest } from '../memories.ts';
import type { Memory, NamespaceStandard } from '../memory.ts';
import { liveMemory, standardView } from '../store/reads.ts';
import { NotFound } from './refusals.ts';
import { draftOf } from './request.ts';
import { requireMemory, write, type WriteScope } from './scope.ts';
import { begin } from './store-memory.ts';
import { titled } from './titles.ts';
import { writeChange } from './update-memory.ts';

/** The parent is decided here and travels, so that every member resolves the same chain. */
export function setStandard(scope: WriteScope, request: StandardRequest): { standard: NamespaceStandard } {
  const namespace = checkNamespaceOrAll('namespace', request.namespace);
  const given = request.parent === undefined ? null : checkNamespaceOrAll('parent', request.parent);
  if (given === namespace) throw invalid('parent', 'is the namespace itself');
  const before = standardOf(scope.db, namespace);
  const former = before && liveMemory(scope, before.standard_id);
  if (former) requireAllowed(scope, 'write', namespace, former);
  const memory =
    request.id === undefined ? placeholder(scope, namespace) : requireMemory(scope, checkId('id', request.id));
  if (request.governance !== undefined) {
    const metadata = { ...memory.metadata, governance: checkGovernance(request.governance) };
    writeChange(scope, memory, {}, metadata);
  }
  const parent = given ?? detectedParent(scope.db, namespace);
  if (before?.standard_id !== memory.id || before.parent !== parent)
    write(scope, { kind: 'namespace_set', namespace, standard_id: memory.id, parent });
  const standard = standardView(standardOf(scope.db, namespace));
  if (!standard) throw new NotFound('memory');
  return { standard };
}

/** A memory that holds nothing but the rules. `*` is no namespace of memories: its placeholder is global. */
function placeholder(scope: WriteScope, namespace: string): Memory {
  const space = namespace === '*' ? 'global' : namespace;
  const title = `_standard:${namespace}`;
  const existing = titled(scope, space, title);
  if (existing) return existing;
  const draft = draftOf(scope, {
    title,
    content: `Standard of the namespace ${namespace}`,
    namespace: space,
    tier: 'long',
    tags: ['_namespace_standard'],
    source: 'system',
  });
  const metadata = { ...draft.metadata, agent_id: scope.caller.agent_id };
  return begin(scope, uuidv7(scope.work.now_ms, scope.settings.random), { fields: draft.fields, metadata });
}

export function clearStandard(scope: WriteScope, given: string): { cleared: boolean } {
  const namespace = checkNamespaceOrAll('namespace', given);
  const standard = standardOf(scope.db, namespace);
  if (!standard) return { cleared: false };
  const memory = liveMemory(scope, standard.standard_id);
  if (memory) requireAllowed(scope, 'write', namespace, memory);
  write(scope, { kind: 'namespace_clear', namespace });
  return { cleared: true };
}
