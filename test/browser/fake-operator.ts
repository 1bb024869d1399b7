/** An operator with given answers, for what the console shows. Verbs that a page must never call throw. */
import { SynclineError } from '../../src/platform/errors.ts';
import type {
  DeadLetterRow,
  DestinationStatus,
  Operator,
  Report,
  ReportQuery,
  ReportRow,
  SessionDetail,
  SessionRow,
  SourceStatus,
  StatusReport,
} from '../../src/runtime/operator.ts';
import type { ConversationDetail } from '../../src/runtime/session-verbs.ts';
import type { ConversationMessage } from '../../src/agents/conversation.ts';
import type { Page, SearchHit, SessionSummary } from '../../src/sessions/store/session-store.ts';
import type { MemoryCall } from '../../src/runtime/memory-verbs.ts';
import { memoryAnswer, type MemoryAnswers } from './fake-memory-verb.ts';
import { fakeConversations, fakeDetail, fakeHit, fakeMessages } from '../support/fake-conversations.ts';

/** Sunday, 15 November 2026, 15:30 UTC. */
export const NOW_MS = Date.parse('2026-11-15T15:30:00Z');
const HOUR_MS = 3_600_000;

export interface FakeAnswers {
  status?: Partial<StatusReport>;
  /** Rows of a report by its dimension; the total is their sum. */
  rows?: (query: ReportQuery) => ReportRow[];
  sessions?: SessionRow[];
  session?: SessionDetail;
  dead_letters?: DeadLetterRow[];
  unpriced_responses?: number;
  conversations?: SessionSummary[];
  /** What a search finds, whatever is looked for. */
  hits?: SearchHit[];
  conversation?: ConversationDetail;
  messages?: ConversationMessage[];
  /** What calls of memories are answered, by method, over what is usual. */
  memories?: MemoryAnswers;
  /** Thrown by every verb. */
  failure?: Error;
}

/** Everything that was asked of it stands in `asked`. */
export function fakeOperator(answers: FakeAnswers = {}): Operator & { asked: [verb: string, argument: unknown][] } {
  const asked: [verb: string, argument: unknown][] = [];
  const answer = <A, R>(verb: string, give: (argument: A) => R) => {
    return async (argument: A): Promise<R> => {
      asked.push([verb, argument]);
      if (answers.failure) throw answers.failure;
      return give(argument);
    };
  };
  const never = (verb: string) => () => Promise.reject(new Error(`a page must not call ${verb}`));
  return {
    asked,
    status: () => answer('status', () => fakeStatus(answers.status))(null),
    report: answer('report', (query: ReportQuery) => reportOf(query, answers)),
    sessions: answer('sessions', ({ limit, project, since_ms }: Parameters<Operator['sessions']>[0]) =>
      (answers.sessions ?? fakeSessions())
        .filter((row) => (project === null || row.project === project) && (row.last_ms ?? 0) >= (since_ms ?? 0))
        .slice(0, limit),
    ),
    session: answer('session', (id: string) => sessionOf(id, answers)),
    deadLetters: answer('deadLetters', () => answers.dead_letters ?? []),
    conversations: answer('conversations', ({ filter, page }: Parameters<Operator['conversations']>[0]) => {
      const all = (answers.conversations ?? fakeConversations()).filter(
        ({ project, agent }) => (filter.project ?? project) === project && (filter.agent ?? agent) === agent,
      );
      const { items, next } = pageOf(all, page);
      return { sessions: items, total: all.length, next };
    }),
    conversation: answer('conversation', (id: string) => conversationOf(id, answers)),
    conversationMessages: answer(
      'conversationMessages',
      ({ from, limit }: Parameters<Operator['conversationMessages']>[0]) =>
        (answers.messages ?? fakeMessages()).filter(({ ordinal }) => ordinal >= from).slice(0, limit),
    ),
    searchConversations: answer('searchConversations', ({ page }: Parameters<Operator['searchConversations']>[0]) => {
      const hits = answers.hits ?? fakeHits();
      const { items, next } = pageOf(hits, page);
      return { hits: items, total: hits.length, next };
    }),
    conversationsFor: never('conversationsFor'),
    linkConversation: never('linkConversation'),
    conversationsEditing: never('conversationsEditing'),
    shareConversations: never('shareConversations'),
    previewSessions: never('previewSessions'),
    replaySessions: never('replaySessions'),
    memory: answer('memory', (call: MemoryCall) => memoryAnswer(call, answers)),
    preview: never('preview'),
    flush: never('flush'),
    erase: never('erase'),
    importTranscripts: never('importTranscripts'),
    deadLetter: never('deadLetter'),
    retryDeadLetters: never('retryDeadLetters'),
    discardDeadLetters: never('discardDeadLetters'),
    pause: never('pause'),
    resume: never('resume'),
    createToken: never('createToken'),
    tokens: never('tokens'),
    revokeToken: never('revokeToken'),
    openLink: never('openLink'),
    stop: never('stop'),
  };
}

/** The cursor is the number of what came before. */
function pageOf<T>(all: readonly T[], { limit, after }: Page): { items: T[]; next: string | null } {
  const from = Number(after ?? 0);
  const end = from + limit;
  return { items: all.slice(from, end), next: end < all.length ? String(end) : null };
}

function fakeHits(): SearchHit[] {
  return fakeConversations(4).map((session, index) =>
    fakeHit({ session, copies: index === 1 ? 6 : 0, scope: index === 2 ? 'tool_output' : 'message' }),
  );
}

function conversationOf(id: string, { conversation }: FakeAnswers): ConversationDetail {
  const detail = conversation ?? fakeDetail();
  if (detail.session.key === id) return detail;
  throw new SynclineError('session.unknown', 'There is no conversation with this id', { hint: 'List them.' });
}

function sessionOf(id: string, { session, sessions }: FakeAnswers): SessionDetail {
  const row = session ?? (sessions ?? fakeSessions()).find((known) => known.session === `blake3:${id}`);
  if (!row) throw new SynclineError('session.unknown', 'No session has this id', { hint: 'List sessions.' });
  return { events: [], subagents: [], ...row };
}

function reportOf(query: ReportQuery, { rows, unpriced_responses }: FakeAnswers): Report {
  const found = (rows ?? fakeRows)(query);
  return {
    by: query.by,
    rows: found,
    total: totalOf(found),
    price_date: '2026-11-01',
    unpriced_responses: unpriced_responses ?? 0,
  };
}

export function totalOf(rows: readonly ReportRow[]): Omit<ReportRow, 'key'> {
  const known = (field: 'tokens_in' | 'tokens_out' | 'cache_read_tokens' | 'cache_write_tokens' | 'cost_usd') =>
    rows.reduce<number | null>((sum, row) => (row[field] === null ? sum : (sum ?? 0) + row[field]), null);
  return {
    sessions: rows.reduce((sum, row) => sum + row.sessions, 0),
    tokens_in: known('tokens_in'),
    tokens_out: known('tokens_out'),
    cache_read_tokens: known('cache_read_tokens'),
    cache_write_tokens: known('cache_write_tokens'),
    cost_usd: known('cost_usd'),
    tool_calls: rows.reduce((sum, row) => sum + row.tool_calls, 0),
    tool_failures: rows.reduce((sum, row) => sum + row.tool_failures, 0),
  };
}

export function fakeRow(key: string, scale = 1): ReportRow {
  return {
    key,
    sessions: Math.ceil(6 * scale),
    tokens_in: Math.round(1_204_000 * scale),
    tokens_out: Math.round(341_000 * scale),
    cache_read_tokens: Math.round(48_200_000 * scale),
    cache_write_tokens: Math.round(2_900_000 * scale),
    cost_usd: 14.31 * scale,
    tool_calls: Math.round(412 * scale),
    tool_failures: Math.round(19 * scale),
  };
}

function fakeRows({ by, since_ms, project }: ReportQuery): ReportRow[] {
  const part = since_ms === null ? 4 : NOW_MS - since_ms < 24 * HOUR_MS ? 0.25 : 1;
  if (by === 'day')
    return ['2026-11-15', '2026-11-14', '2026-11-12', '2026-11-11', '2026-11-10', '2026-11-09'].map((day, index) =>
      fakeRow(day, [0.25, 0.1, 0.6, 1.1, 0.4, 0.3][index]),
    );
  if (by === 'project')
    return ['web', 'payments', 'infrastructure', 'notes']
      .filter((name) => project === null || name === project)
      .map((name, index) => fakeRow(name, part / (index * 2 + 1)));
  if (by === 'agent') {
    const unknown = { tokens_in: null, tokens_out: null, cache_read_tokens: null, cache_write_tokens: null };
    return [
      fakeRow('claude', part),
      fakeRow('codex', part / 3),
      { ...fakeRow('cursor', part / 9), ...unknown, cost_usd: null },
    ];
  }
  if (by === 'model')
    return [fakeRow('claude-opus-5-5', part), { ...fakeRow('experimental-model', part / 9), cost_usd: null }];
  return ['Bash', 'Edit', 'Read', 'Agent'].map((tool, index) => fakeRow(tool, part / (index + 1)));
}

export function fakeSessions(count = 24): SessionRow[] {
  return Array.from({ length: count }, (_, index) => {
    const cursor = index % 7 === 5;
    return {
      session: `blake3:${String(index + 1).padStart(64, '0123456789abcdef'.slice(index % 16))}`,
      agent: cursor ? 'cursor' : index % 4 === 3 ? 'codex' : 'claude',
      project: ['web', 'payments', 'infrastructure'][index % 3] ?? 'web',
      model: cursor ? null : index % 4 === 3 ? 'gpt-6.1-sol' : 'claude-opus-5-5',
      started_ms: NOW_MS - (index * 5 + 2) * HOUR_MS,
      last_ms: NOW_MS - (index * 5 + 0.2) * HOUR_MS,
      status: index === 0 ? 'running' : 'ended',
      tool_calls: 40 + index,
      tool_failures: index % 5,
      tokens_in: cursor ? null : 120_000 + index * 777,
      tokens_out: cursor ? null : 31_000 + index * 123,
      cost_usd: cursor ? null : 1.2 + index / 7,
    };
  });
}

export function fakeSource(more: Partial<SourceStatus> = {}): SourceStatus {
  return {
    agent: 'claude',
    name: 'claude',
    path: '/home/ada/.claude/projects',
    exists: true,
    sessions: 312,
    projects: 14,
    files: 380,
    bytes: 1_210_000_000,
    read_bytes: 1_210_000_000,
    skipped: { attachment: 7 },
    note: null,
    ...more,
  };
}

export function fakeDestination(more: Partial<DestinationStatus> = {}): DestinationStatus {
  return {
    destination: 'local',
    stream: 'telemetry',
    state: 'active',
    circuit: 'closed',
    circuit_until_ms: null,
    offline_since_ms: null,
    waiting: 0,
    oldest_waiting_ms: null,
    on_hold: null,
    open_batches: 0,
    acknowledged: 48_211,
    dead_letters: 0,
    held: [],
    last_success_ms: NOW_MS - 60_000,
    last_error: null,
    insecure: false,
    ...more,
  };
}

export function fakeDeadLetter(more: Partial<DeadLetterRow> = {}): DeadLetterRow {
  return {
    dead_letter_id: '0197f2b4-0000-7000-8000-000000000001',
    stream: 'telemetry',
    destination: 'team',
    partition: 'events/web/1',
    offset: 812,
    key: null,
    class: 'item',
    code: 'schema.field',
    message: 'The server refused the field tool: longer than 200 characters',
    attempts: 3,
    state: 'open',
    at_ms: NOW_MS - 2 * HOUR_MS,
    ...more,
  };
}

export function fakeStatus(more: Partial<StatusReport> = {}): StatusReport {
  return {
    memory: null,
    schema: 'syncline.status/1',
    version: '0.1.0',
    running: true,
    pid: 4711,
    started_ms: NOW_MS - 30 * HOUR_MS,
    url: 'http://127.0.0.1:4777',
    home: '/home/ada/.local/share/syncline',
    nothing_leaves: true,
    sources: [
      fakeSource(),
      fakeSource({
        agent: 'codex',
        path: '/home/ada/.codex/sessions',
        sessions: 41,
        bytes: 90e6,
        read_bytes: 90e6,
        skipped: {},
      }),
      fakeSource({
        agent: 'cursor',
        path: '/home/ada/.cursor/chats',
        sessions: 18,
        bytes: 4e6,
        read_bytes: 4e6,
        skipped: {},
        note: 'records no token counts, so no cost',
      }),
    ],
    destinations: [fakeDestination()],
    conversations: null,
    loops: [{ name: 'capture', state: 'running', last_error: null, since_ms: NOW_MS }],
    spool: { bytes: 0, cap_bytes: 64e6, dropped: 0 },
    storage: { bytes: 210e6, cap_bytes: 4e9, full: false },
    removed: { 'private-key': 3, 'aws-access-key': 12, assignment: 1366 },
    counters: {},
    today: { cost_usd: 4.31, sessions: 6, tool_calls: 212, tool_failures: 9 },
    warnings: [],
    ...more,
  };
}
