/**
 * What who asks may see (specification §7): `collective` everybody; `private` the same namespace only; `team`, `unit`,
 * `org` the subtree of the parent, grandparent, great-grandparent of the namespace of who asks. A namespace that is not so
 * deep has its topmost segment instead.
 */
const LEVELS_UP = { team: 1, unit: 2, org: 3 } as const;

/** A condition on `m.namespace` and `m.scope`, with its parameters. */
export function visibleTo(namespace: string): { sql: string; parameters: string[] } {
  const segments = namespace.split('/');
  const conditions = [`m.scope = 'collective'`, `(coalesce(m.scope, 'private') = 'private' AND m.namespace = ?)`];
  const parameters = [namespace];
  for (const [scope, up] of Object.entries(LEVELS_UP)) {
    const top = segments.slice(0, Math.max(1, segments.length - up)).join('/');
    conditions.push(`(m.scope = '${scope}' AND (m.namespace = ? OR substr(m.namespace, 1, length(?) + 1) = ? || '/'))`);
    parameters.push(top, top, top);
  }
  return { sql: `(${conditions.join(' OR ')})`, parameters };
}

/** A namespace and its `/` ancestors, nearest first. */
export function withAncestors(namespace: string): string[] {
  const segments = namespace.split('/');
  return segments.map((_, i) => segments.slice(0, segments.length - i).join('/'));
}
