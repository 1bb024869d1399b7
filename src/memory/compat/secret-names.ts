import type { Redactor } from '../../redaction/redactor.ts';
import { keepingItems, type ItemRules } from './keeping-items.ts';
import type { PushBody } from './push-body.ts';

const SECRET_NAME = { skipped: 'an id or a namespace looks like a secret' };

/**
 * Leaves out items whose names hold a secret. A name is how members know a row, so it cannot be masked; and nothing gets in
 * that is not (M7).
 */
export function withoutSecretNames(body: PushBody, redactor: Redactor): PushBody {
  const isClean = (...names: (string | null)[]): boolean =>
    names.every((name) => name === null || redactor.redactText(name) === name);
  const rules: ItemRules = {
    memories: ({ id, namespace }) => isClean(id, namespace),
    deletions: isClean,
    archives: isClean,
    restores: isClean,
    links: ({ source_id, target_id, relation }) => isClean(source_id, target_id, relation),
    pendings: ({ id, memory_id, namespace, action_type }) => isClean(id, memory_id, namespace, action_type),
    pending_decisions: ({ id }) => isClean(id),
    namespace_meta: ({ namespace, standard_id, parent_namespace }) => isClean(namespace, standard_id, parent_namespace),
    namespace_meta_clears: isClean,
    embeddings: ({ memory_id }) => isClean(memory_id),
  };
  return keepingItems(body, rules, SECRET_NAME);
}
