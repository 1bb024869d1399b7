/** What a list or search of conversations shows is written in its URL, all of it (R25). */
export interface ConversationFilter {
  text: string | null;
  project: string | null;
  agent: string | null;
  subagents: boolean;
  /** Where the page before ended. */
  after: string | null;
}

export function readConversationFilter(query: URLSearchParams): ConversationFilter {
  const given = (name: string): string | null => query.get(name)?.trim() || null;
  return {
    text: given('q'),
    project: given('project'),
    agent: given('agent'),
    subagents: query.get('subagents') === 'true',
    after: given('after'),
  };
}

export const CONVERSATIONS_PATH = '/conversations';

/** The address of the list with some of the filter changed; a change leads back to the first page. */
export function conversationsHref(filter: ConversationFilter, changes: Partial<ConversationFilter> = {}): string {
  const { text, project, agent, subagents, after } = { ...filter, after: null, ...changes };
  const query = new URLSearchParams();
  if (text !== null) query.set('q', text);
  if (project !== null) query.set('project', project);
  if (agent !== null) query.set('agent', agent);
  if (subagents) query.set('subagents', 'true');
  if (after !== null) query.set('after', after);
  return query.size === 0 ? CONVERSATIONS_PATH : `${CONVERSATIONS_PATH}?${query.toString()}`;
}

/** The address of a conversation, at one of its messages where one is given. */
export function conversationHref(key: string, ordinal: number | null = null): string {
  const page = `${CONVERSATIONS_PATH}/${encodeURIComponent(key)}`;
  return ordinal === null ? page : `${page}?at=${ordinal}#msg-${ordinal}`;
}
