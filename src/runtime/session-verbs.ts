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
import type { StayReason } from '../sessions/delivery/session-preview.ts';

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

export interface LinkResult {
  key: string;
  /** `unchanged`: it was so already. */
  result: 'linked' | 'unlinked' | 'unchanged';
  kind: 'commit' | 'pull_request';
  /** The commit's id, or the canonical address of the request. */
  target: string;
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

export interface SessionsPreviewQuery {
  /** Glob over a project's name. */
  project: string | null;
  /** Key, the beginning of one, or the agent's own id. */
  session: string | null;
  /** Most requests for each destination. */
  limit: number;
}

/** One request as it would leave. */
export interface PreviewedRequest {
  /** `put`: messages and what is told of the session; `gone`: that its source has it no more; `remove`: it is taken back. */
  kind: 'put' | 'gone' | 'remove';
  method: string;
  path: string;
  messages: number;
  /** Of the body, before it is compressed. */
  bytes: number;
  body: string;
}

/** What would leave of one session to one destination. */
export interface PreviewedSession {
  key: string;
  destination: string;
  project: string | null;
  requests: PreviewedRequest[];
  /** There are more requests than were asked for. */
  is_cut: boolean;
  /** Why nothing leaves; null: something does, or waits. */
  stays: StayReason | null;
  /** Code of what keeps it from being read or sent. */
  problem: string | null;
  /** When what is younger than the hold may leave; null: nothing is held. */
  held_until_ms: number | null;
  /** What was removed from the whole session, by rule. */
  removed: Record<string, number>;
}

export interface SessionsPreview {
  sessions: PreviewedSession[];
  /** Sessions that were looked at and stay; where one is asked for by its id it is among `sessions` instead. */
  staying: { destination: string; reason: StayReason; sessions: number }[];
  /** More was there to look at. */
  is_cut: boolean;
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
  /**
   * Says by hand that a session is behind a commit or request, or that it is not, over whatever its text shows. Stays on this machine.
   * @throws SynclineError `session.unknown`, `sessions.ambiguous`; UsageError `link.target`
   */
  linkConversation(query: { id: string; target: string; linked: boolean }): Promise<LinkResult>;
  /**
   * What would leave now, byte for byte, and what waits or stays; changes nothing. Null: no conversations are kept.
   * @throws SynclineError `session.unknown`, `sessions.ambiguous`
   */
  previewSessions(query: SessionsPreviewQuery): Promise<SessionsPreview | null>;
  /** Every session is read and compared again; what differs is sent. `confirm`: also when many have vanished (R12). */
  replaySessions(query: { confirm_vanished: boolean }): Promise<{ sessions: number }>;
}
