import type { ConversationMessage } from '../agents/conversation.ts';
import type {
  GitLink,
  GitLinkQuery,
  Page,
  SearchPage,
  SearchQuery,
  SessionFilter,
  SessionPage,
  SessionSummary,
  SessionTreeNode,
} from '../sessions/store/session-store.ts';

/** A session with what its page shows besides the messages. */
export interface ConversationDetail {
  session: SessionSummary;
  links: GitLink[];
  /** The tree it stands in; null when it stands alone. */
  tree: SessionTreeNode | null;
  /** Where it went besides the local store. */
  shared: ConversationShare[];
}

/** What became of one session at one store of a team. */
export interface ConversationShare {
  destination: string;
  /** `not_shared`: nothing of it is there, and why; `held`: waits until `until_ms` so that it can be withdrawn. */
  state: 'shared' | 'waiting' | 'held' | 'not_shared' | 'refused';
  reason: string | null;
  until_ms: number | null;
}

export interface ShareResult {
  /** Keys whose sharing changed; deliveries follow. */
  changed: string[];
  /** Of the keys asked for: as they were asked for already. */
  unchanged: string[];
}

export interface LinkedConversation {
  link: GitLink;
  session: SessionSummary;
}

/** Where the sessions stream gets conversations from. */
export interface SessionsSourceStatus {
  /** `agentsview`, `claude transcripts`. */
  label: string;
  in_use: boolean;
  exists: boolean;
  sessions: number;
  /** Their file or row vanished; they stay here (R12). */
  gone: number;
  last_round_ms: number | null;
  last_change_ms: number | null;
  /** Too many sessions vanished at once: nothing is taken in until they are back, or somebody says it is right. */
  paused: { since_ms: number; vanished: number; known: number } | null;
  /** Sessions that could not be read. */
  failing: number;
  last_error: { at_ms: number; code: string; message: string } | null;
}

/** What a person can ask of the conversations kept here. Reads are of the local store, or of the server's own team. */
export interface SessionVerbs {
  conversations(query: { filter: SessionFilter; page: Page }): Promise<SessionPage>;
  /** By key, the beginning of one, or the agent's own id. @throws SynclineError `session.unknown`, `sessions.ambiguous` */
  conversation(id: string): Promise<ConversationDetail>;
  conversationMessages(query: { key: string; from: number; limit: number }): Promise<ConversationMessage[]>;
  searchConversations(query: { search: SearchQuery; page: Page }): Promise<SearchPage>;
  conversationsFor(query: { link: GitLinkQuery; limit: number }): Promise<LinkedConversation[]>;
  /** Sessions that edited a file, newest first. */
  conversationsEditing(query: {
    path_suffix: string;
    filter: SessionFilter;
    limit: number;
  }): Promise<{ session: SessionSummary; ordinal: number; at_ms: number | null }[]>;
  /** Takes sessions out of what is shared (`false`), or lets the configuration decide again (`true`). */
  shareConversations(query: { ids: string[]; share: boolean }): Promise<ShareResult>;
  /** Every session is read and compared again; what differs is sent. `confirm`: also when many have vanished (R12). */
  replaySessions(query: { confirm_vanished: boolean }): Promise<{ sessions: number }>;
}
