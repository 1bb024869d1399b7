import type { PutResult, SourceGone, TranscriptHead, TranscriptPut, TranscriptState } from './transcript.ts';
import type { ConversationMessage } from '../../agents/conversation.ts';

/**
 * Who reads. Every read decides access in its own query (R25): a reader sees the sessions of one team, and nothing of
 * another's shows in counts, facets or snippets.
 */
export interface Reader {
  team_id: string;
}

/** Filters of lists and searches; all given ones must fit. */
export interface SessionFilter {
  /** Glob over `project` (R1's globs). */
  project?: string | undefined;
  agent?: string | undefined;
  member?: string | undefined;
  device?: string | undefined;
  model?: string | undefined;
  /** Started at or after / before, epoch ms. Sessions without a start are left out only when one is given. */
  since_ms?: number | undefined;
  until_ms?: number | undefined;
  /** Default false: subagents show under their parents. Continuations and forks are always listed (A13). */
  subagents?: boolean | undefined;
  /** Default false: automated sessions and sessions without a message of a person are left out. */
  automated?: boolean | undefined;
  /** Default false: what a person trashed is hidden. */
  trashed?: boolean | undefined;
  starred?: boolean | undefined;
}

export interface Page {
  /** 1 to 1,000. */
  limit: number;
  /** What the page before gave as `next`; null = from the start. Opaque. @throws InvalidInputError `sessions.cursor` */
  after: string | null;
}

export interface SessionSummary extends TranscriptHead {
  team_id: string;
  /** Epoch ms of the last put. */
  stored_at_ms: number;
  /** More of it is on its way. */
  arriving: boolean;
  commits: number;
  pull_requests: number;
}

export interface SessionPage {
  sessions: SessionSummary[];
  /** Exact, over all pages. */
  total: number;
  next: string | null;
}

export interface SearchQuery extends SessionFilter {
  /** Words, "phrases", -excluded words; see search/query.ts. */
  text: string;
  /** Where to look. Default all. */
  scopes?: readonly SearchScope[] | undefined;
}

export type SearchScope = 'message' | 'thinking' | 'tool_input' | 'tool_output' | 'title';

export interface SearchHit {
  session: SessionSummary;
  ordinal: number | null;
  scope: SearchScope;
  role: string;
  /** At most 240 characters, with ellipses where it is cut. */
  snippet: string;
  /** UTF-16 offsets into `snippet`. */
  highlights: { start: number; end: number }[];
  /** Other sessions that hold a copy of the same turn (forks, continuations); the hit stands at the oldest. */
  copies: number;
}

export interface SearchPage {
  hits: SearchHit[];
  /** Exact number of results with copies collapsed. */
  total: number;
  next: string | null;
}

export interface GitLink {
  key: string;
  ordinal: number;
  kind: 'commit' | 'push' | 'pull_request';
  /** Lower-case hex as the output showed it (7 to 64 digits); null for a pull request. */
  sha: string | null;
  /** `https://host/…` in canonical form; null for a commit. */
  url: string | null;
  /** `host/owner/repository`, from the URL or the session's project; null: unknown. */
  repository: string | null;
  branch: string | null;
  /** `high`: the command made it; `medium`: the output shows it; `low`: only mentioned. */
  confidence: 'high' | 'medium' | 'low';
  /** A person set it by hand, then; it stands at no message (`ordinal` 0). Absent: it was found. */
  asserted_at_ms?: number | undefined;
}

export interface GitLinkQuery {
  /** A SHA or its beginning, of 7 digits or more; matches links that are a beginning of it, too. */
  sha?: string | undefined;
  /** Of a pull or merge request, in any spelling `parsePullRequest` takes. */
  url?: string | undefined;
  /** Narrows to links of this repository and to those of none. */
  repository?: string | undefined;
}

/** A turn of a tree: what continues, forks from or works for what. */
export interface SessionTreeNode {
  session: SessionSummary;
  children: SessionTreeNode[];
}

/** A session whose kept texts hold what was looked for. */
export interface SessionMatch {
  key: string;
  /** Of its messages, how many hold it; 0: only its title or another fact of it does. */
  messages: number;
}

/** What a store keeps about the members' writes; the keyed destination, local or over HTTP, is made on it. */
export interface TranscriptWriter {
  /** One transaction. @throws FullError, UnreachableError; StoreReplyError of a store behind a network */
  put(team_id: string, put: TranscriptPut, signal?: AbortSignal): Promise<PutResult>;
  /** Marks that its source has it no more. `stale` with a null fingerprint: there is nothing to mark. */
  markGone(team_id: string, gone: SourceGone, signal?: AbortSignal): Promise<PutResult>;
  /** What it has of a key; null = nothing. */
  state(team_id: string, key: string, signal?: AbortSignal): Promise<TranscriptState | null>;
  /**
   * A person withdrew it: rows, index and links go, a tombstone keeps it from coming back (a late retry of a put would
   * bring it). `unshared` is lifted by a put that says `restores`, `erased` never.
   */
  remove(
    team_id: string,
    key: string,
    owner: string,
    reason: 'unshared' | 'erased',
    signal?: AbortSignal,
  ): Promise<'removed' | 'absent' | 'foreign'>;
}

/** A writer that takes many at once, for a destination's `sendMany`. */
export interface TranscriptBatchWriter extends TranscriptWriter {
  /**
   * Several puts of different keys in one transaction; results in their order.
   * @throws as `put`; then none of them was stored. InvalidInputError `sessions.put` when one of them contradicts itself, or
   * two are of one key
   */
  putMany(team_id: string, puts: readonly TranscriptPut[], signal?: AbortSignal): Promise<PutResult[]>;
}

/** One place where conversations are kept and searched. All implementations pass `session-store.contract.ts`. */
export interface SessionStore extends TranscriptWriter {
  list(reader: Reader, filter: SessionFilter, page: Page): Promise<SessionPage>;
  /**
   * By key or the agent's id, or a unique beginning of either (8 characters of a key, 4 of an id). Null: none.
   * @throws InvalidInputError `sessions.ambiguous` naming the first of those that fit
   */
  find(reader: Reader, id: string): Promise<SessionSummary | null>;
  /** Messages with ordinals from `from` on. */
  messages(reader: Reader, key: string, from: number, limit: number): Promise<ConversationMessage[]>;
  search(reader: Reader, query: SearchQuery, page: Page): Promise<SearchPage>;
  links(reader: Reader, key: string): Promise<GitLink[]>;
  /** Sessions behind a commit or pull request; most confident, then newest first. */
  linked(reader: Reader, query: GitLinkQuery, limit: number): Promise<{ link: GitLink; session: SessionSummary }[]>;
  /** The whole tree a session stands in. */
  tree(reader: Reader, key: string): Promise<SessionTreeNode | null>;
  /** Sessions whose calls edited a file: for `blame`. Newest first. */
  editing(
    reader: Reader,
    path_suffix: string,
    filter: SessionFilter,
    limit: number,
  ): Promise<{ session: SessionSummary; ordinal: number; at_ms: number | null }[]>;
  /**
   * Every session, hidden ones too, in whose texts this piece of text stands (case does not count): messages, thinking, tool
   * inputs and outputs, title, branch, paths, project, notes. Not a search: it looks at all of them, and misses no part of a word.
   */
  containing(reader: Reader, text: string): Promise<SessionMatch[]>;
  facets(
    reader: Reader,
    filter: SessionFilter,
  ): Promise<{ projects: string[]; agents: string[]; members: string[]; models: string[] }>;
  totals(
    reader: Reader,
  ): Promise<{ sessions: number; messages: number; redactions: Record<string, number>; last_stored_ms: number | null }>;
  /** Names the store's own file or tables; another one in the same place has another name. */
  identity(): Promise<string>;
  sizeBytes(): Promise<number>;
  /** Gives back what removals freed, leaving no byte behind (R11). */
  scrub(): Promise<void>;
  close(): Promise<void>;
}
