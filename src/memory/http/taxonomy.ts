export interface TaxonomyNode {
  /** The whole name; '' for the root of all. */
  namespace: string;
  /** Its last segment. */
  name: string;
  /** Memories in it; with those below it. */
  count: number;
  subtree_count: number;
  children: TaxonomyNode[];
}

/** Namespaces as a tree below `prefix`; what lies deeper than `depth` levels is counted in its ancestor. */
export function taxonomyOf(
  rows: readonly { namespace: string; memories: number }[],
  prefix: string,
  depth: number,
): TaxonomyNode {
  const top = prefix === '' ? 0 : prefix.split('/').length;
  const root = node(prefix);
  for (const { namespace, memories } of rows) {
    if (prefix !== '' && namespace !== prefix && !namespace.startsWith(`${prefix}/`)) continue;
    root.subtree_count += memories;
    const segments = namespace.split('/').slice(0, top + depth);
    let at = root;
    for (let length = top + 1; length <= segments.length; length++) {
      const name = segments.slice(0, length).join('/');
      let child = at.children.find((known) => known.namespace === name);
      if (!child) at.children.push((child = node(name)));
      child.subtree_count += memories;
      at = child;
    }
    if (at.namespace === namespace) at.count += memories;
  }
  sort(root);
  return root;
}

function node(namespace: string): TaxonomyNode {
  return { namespace, name: namespace.split('/').at(-1) ?? '', count: 0, subtree_count: 0, children: [] };
}

function sort({ children }: TaxonomyNode): void {
  children.sort((a, b) => (a.namespace < b.namespace ? -1 : 1));
  children.forEach(sort);
}
