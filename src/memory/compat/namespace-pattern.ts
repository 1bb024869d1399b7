/**
 * Whether a namespace fits a pattern of the dialect (`allowed_namespaces`): `*` is one segment, `**` any number of them, so
 * that `a/**` also covers `a`. Segment by segment, so that a hostile pattern cannot make matching slow.
 */
export function namespaceMatcher(pattern: string): (namespace: string) => boolean {
  const segments = pattern.split('/');
  return (namespace) => matchesFrom(segments, namespace.split('/'));
}

function matchesFrom(pattern: readonly string[], segments: readonly string[]): boolean {
  // Greedy with one step back, as in line-by-line globbing: only the last `**` needs to be tried again.
  let at = 0;
  let segment = 0;
  let star = -1;
  let resumed = 0;
  while (segment < segments.length) {
    if (pattern[at] === '**') {
      star = at++;
      resumed = segment;
    } else if (at < pattern.length && (pattern[at] === '*' || pattern[at] === segments[segment])) {
      at++;
      segment++;
    } else if (star >= 0) {
      at = star + 1;
      segment = ++resumed;
    } else return false;
  }
  return pattern.slice(at).every((rest) => rest === '**');
}
