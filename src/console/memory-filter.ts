/** What a list or search of memories shows is written in its URL, all of it. */
export interface MemoryPageFilter {
  text: string | null;
  namespace: string | null;
  tier: string | null;
  tag: string | null;
  /** The archive instead of what lives. */
  archived: boolean;
  /** How many rows stand on the pages before. */
  from: number;
}

export const MEMORIES_PATH = '/memories';

export function readMemoryFilter(query: URLSearchParams): MemoryPageFilter {
  const given = (name: string): string | null => query.get(name)?.trim() || null;
  const from = query.get('from') ?? '';
  return {
    text: given('q'),
    namespace: given('namespace'),
    tier: given('tier'),
    tag: given('tag'),
    archived: query.get('archived') === 'true',
    from: /^\d{1,7}$/.test(from) ? Number(from) : 0,
  };
}

/** The address of the list with some of the filter changed; a change leads back to the first page. */
export function memoriesHref(filter: Partial<MemoryPageFilter>, changes: Partial<MemoryPageFilter> = {}): string {
  const { text, namespace, tier, tag, archived, from } = { ...filter, from: 0, ...changes };
  const query = new URLSearchParams();
  if (text) query.set('q', text);
  if (namespace) query.set('namespace', namespace);
  if (tier) query.set('tier', tier);
  if (tag) query.set('tag', tag);
  if (archived === true) query.set('archived', 'true');
  if (from > 0) query.set('from', String(from));
  return query.size === 0 ? MEMORIES_PATH : `${MEMORIES_PATH}?${query.toString()}`;
}

export function memoryHref(id: string): string {
  return `${MEMORIES_PATH}/${encodeURIComponent(id)}`;
}
