import { createHash } from 'node:crypto';
import {
  SEGMENT_ORDINALS,
  type ConversationMessage,
  type ConversationSegment,
  type ConversationToolCall,
} from '../../../agents/conversation.ts';
import type { LinkFinder } from '../link-finder.ts';
import type {
  GitLink,
  Page,
  Reader,
  SearchHit,
  SearchQuery,
  SessionFilter,
  SessionStore,
  SessionSummary,
} from '../session-store.ts';
import type { PutResult, SegmentHash, TranscriptHead, TranscriptPut } from '../transcript.ts';
import type { OpenSessionStore, SessionStoreUnderTest } from './store-under-test.ts';

/** Thursday, 15 January 2027, 08:00 UTC. */
export const NOW = 1_800_000_000_000;
export const HOUR = 3_600_000;
export const TEAM = 'acme';
export const OWNER = 'ada/laptop';

/** A session's key, the same for the same name. */
export function keyOf(name: string): string {
  return digest(`key of ${name}`, 32);
}

function digest(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}

/** A message of a person, unless told otherwise. */
export function message(
  ordinal: number,
  content: string,
  over: Partial<ConversationMessage> = {},
): ConversationMessage {
  return {
    ordinal,
    role: 'user',
    content,
    thinking: null,
    timestamp_ms: NOW - 10 * HOUR + ordinal * 1000,
    model: null,
    is_system: false,
    is_sidechain: false,
    is_compact_boundary: false,
    source_uuid: null,
    usage: null,
    tool_calls: [],
    cut_bytes: 0,
    ...over,
  };
}

/** A reply of the model with one tool call. */
export function callMessage(
  ordinal: number,
  call: Partial<ConversationToolCall>,
  over: Partial<ConversationMessage> = {},
): ConversationMessage {
  return message(ordinal, '', { role: 'assistant', model: 'opus', tool_calls: [toolCall(0, call)], ...over });
}

export function toolCall(index: number, over: Partial<ConversationToolCall> = {}): ConversationToolCall {
  return {
    index,
    tool_use_id: null,
    tool_name: 'Bash',
    category: 'Bash',
    input_json: '{}',
    skill_name: null,
    file_path: null,
    subagent_native_id: null,
    result: null,
    result_bytes: null,
    is_error: false,
    result_at_ms: null,
    ...over,
  };
}

/** The head of the session of that name; its counts are those of its messages once it is put. */
export function headOf(name: string, over: Partial<TranscriptHead> = {}): TranscriptHead {
  return {
    key: keyOf(name),
    native_id: `native-${name}`,
    session_hash: null,
    agent: 'claude',
    agent_version: '2.1.0',
    member: 'ada',
    device: 'laptop',
    project: 'github.com/acme/web',
    project_hash: null,
    cwd: null,
    git_branch: 'main',
    title: null,
    first_message: null,
    started_at_ms: NOW - 10 * HOUR,
    ended_at_ms: NOW - 9 * HOUR,
    message_count: 1,
    user_message_count: 1,
    models: [],
    parent_key: null,
    relationship: '',
    termination_status: null,
    is_automated: false,
    is_truncated: false,
    total_output_tokens: null,
    peak_context_tokens: null,
    starred_at_ms: null,
    pins: [],
    presence: { kind: 'present' },
    rule_set: 'rules-1',
    redactions: {},
    cut_bytes: 0,
    ...over,
  };
}

export function segmentsOf(messages: readonly ConversationMessage[]): ConversationSegment[] {
  const segments = new Map<number, ConversationMessage[]>();
  for (const one of messages) {
    const index = Math.floor(one.ordinal / SEGMENT_ORDINALS);
    segments.set(index, [...(segments.get(index) ?? []), one]);
  }
  return [...segments].sort(([a], [b]) => a - b).map(([index, list]) => ({ index, messages: list }));
}

export function hashesOf(segments: readonly ConversationSegment[]): SegmentHash[] {
  return segments.map((segment) => [segment.index, digest(JSON.stringify(segment), 16)] as const);
}

export function fingerprintOf(head: TranscriptHead, hashes: readonly SegmentHash[]): string {
  return digest(JSON.stringify([head, hashes]), 16);
}

/** A put of everything, as the first one of a session is. */
export function wholePut(
  head: TranscriptHead,
  messages: readonly ConversationMessage[],
  over: Partial<TranscriptPut> = {},
): TranscriptPut {
  const segments = segmentsOf(messages);
  const segment_hashes = hashesOf(segments);
  return {
    key: head.key,
    base: null,
    fingerprint: fingerprintOf(head, segment_hashes),
    owner: OWNER,
    head,
    segment_hashes,
    segments,
    partial: false,
    ...over,
  };
}

/** The put that brings a store from one state to another: the segments that differ, over the former's fingerprint. */
export function nextPut(before: TranscriptPut, after: TranscriptPut): TranscriptPut {
  const known = new Map(before.segment_hashes);
  const hashes = new Map(after.segment_hashes);
  const segments = after.segments.filter(({ index }) => known.get(index) !== hashes.get(index));
  return { ...after, base: before.fingerprint, segments };
}

/**
 * Reads links off the lines of tool results: `commit SHA [high|medium|low]` and `pr URL`. The suite is about what stores
 * do with links, not about how they are found.
 */
export const lineLinks: LinkFinder = {
  linksOf: ({ ordinal, tool_calls }, { key, repository, branch }) =>
    tool_calls
      .flatMap(({ result }) => (result ?? '').split('\n'))
      .flatMap((line): GitLink[] => {
        const [word, what = '', confidence = 'high'] = line.split(' ');
        const link = { key, ordinal, branch, confidence: confidence as 'high' | 'medium' | 'low' };
        if (word === 'commit') return [{ ...link, kind: 'commit', sha: what, url: null, repository }];
        if (word !== 'pr') return [];
        const named = what.replace('https://', '').split('/pull/')[0] ?? null;
        return [{ ...link, kind: 'pull_request', sha: null, url: what, repository: named }];
      }),
  canonicalUrl: (url) => /^https:\/\/[^/]+\/[^/]+\/[^/]+\/pull\/\d+/.exec(url)?.[0] ?? null,
};

/** An open store, and short words for what tests do with it. Its clock stands at NOW until a test moves it. */
export class Scene {
  readonly sut: SessionStoreUnderTest;
  readonly time: { now_ms: number };
  readonly reader: Reader = { team_id: TEAM };

  private constructor(sut: SessionStoreUnderTest, time: { now_ms: number }) {
    this.sut = sut;
    this.time = time;
  }

  static async open(open: OpenSessionStore): Promise<Scene> {
    const time = { now_ms: NOW };
    const clock = { now_ms: () => time.now_ms, monotonic_ms: () => time.now_ms };
    return new Scene(await open({ clock, links: lineLinks }), time);
  }

  get store(): SessionStore {
    return this.sut.store;
  }

  /** Puts a whole new session of the team and returns the put. */
  async add(
    name: string,
    messages: readonly ConversationMessage[],
    head: Partial<TranscriptHead> = {},
    team_id = TEAM,
  ): Promise<TranscriptPut> {
    const put = wholePut(headOf(name, { message_count: messages.length, ...head }), messages);
    const result = await this.store.put(team_id, put);
    if (result.kind !== 'stored') throw new Error(`the session ${name} was not stored: ${result.kind}`);
    return put;
  }

  put(put: TranscriptPut): Promise<PutResult> {
    return this.store.put(TEAM, put);
  }

  /** Native ids of a list, in its order. */
  async listed(filter: SessionFilter = {}, reader = this.reader): Promise<string[]> {
    const { sessions } = await this.store.list(reader, filter, { limit: 1000, after: null });
    return sessions.map(nameOf);
  }

  async hits(text: string, query: Partial<SearchQuery> = {}, reader = this.reader): Promise<SearchHit[]> {
    return (await this.store.search(reader, { text, ...query }, { limit: 1000, after: null })).hits;
  }

  /** Where a search finds something: `name:ordinal`, best first. */
  async found(text: string, query: Partial<SearchQuery> = {}, reader = this.reader): Promise<string[]> {
    return (await this.hits(text, query, reader)).map(
      ({ session, ordinal }) => `${nameOf(session)}:${ordinal ?? 'title'}`,
    );
  }

  /** Every item over all pages, and the totals that the pages told. */
  async walk<T>(
    limit: number,
    page: (page: Page) => Promise<{ items: T[]; total: number; next: string | null }>,
  ): Promise<{ items: T[]; totals: Set<number>; pages: number }> {
    const items: T[] = [];
    const totals = new Set<number>();
    let after: string | null = null;
    let pages = 0;
    do {
      const got: { items: T[]; total: number; next: string | null } = await page({ limit, after });
      items.push(...got.items);
      totals.add(got.total);
      after = got.next;
      pages++;
      if (pages > 10_000) throw new Error('the pages do not end');
    } while (after !== null);
    return { items, totals, pages };
  }
}

/** The name a session was added under. */
export function nameOf(session: SessionSummary): string {
  return session.native_id.replace('native-', '');
}
