import type { SessionSummary, SessionTreeNode } from './session-store.ts';

/**
 * The tree around the session `key`, from its topmost session that is given; children in the order given. Ends also where
 * parents go round in a circle. Null: the session is not among them.
 */
export function assembleTree(key: string, given: readonly SessionSummary[]): SessionTreeNode | null {
  const sessions = new Map(given.map((session) => [session.key, session]));
  const start = sessions.get(key);
  if (!start) return null;
  const children = Map.groupBy(given, ({ parent_key }) => parent_key);
  const root: SessionTreeNode = { session: topOf(start, sessions), children: [] };
  const seen = new Set([root.session.key]);
  const waiting = [root];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    for (const session of children.get(node.session.key) ?? []) {
      if (seen.has(session.key)) continue;
      seen.add(session.key);
      node.children.push({ session, children: [] });
    }
    for (const child of node.children) waiting.push(child);
  }
  return root;
}

function topOf(start: SessionSummary, sessions: ReadonlyMap<string, SessionSummary>): SessionSummary {
  const seen = new Set<string>();
  let top = start;
  for (;;) {
    seen.add(top.key);
    const parent = top.parent_key === null ? undefined : sessions.get(top.parent_key);
    if (!parent || seen.has(parent.key)) return top;
    top = parent;
  }
}
