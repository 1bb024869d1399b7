/** Conversations as an operator tells them, made up, for tests of what people are shown. */
import type { ConversationMessage, ConversationToolCall } from '../../src/agents/conversation.ts';
import type { ConversationDetail, SessionsSourceStatus } from '../../src/runtime/session-verbs.ts';
import type { GitLink, SearchHit, SessionSummary } from '../../src/sessions/store/session-store.ts';

/** Sunday, 15 November 2026, 15:30 UTC. */
const AT_MS = Date.parse('2026-11-15T15:30:00Z');
const MINUTE_MS = 60_000;

/** The key of the n-th conversation: 32 hexadecimal digits, of which the first twelve tell it from the others. */
export function fakeKey(index: number): string {
  return `${(index + 1).toString(16).padStart(8, '0')}c0ffee`.padEnd(32, '4be1c07d92aa');
}

export function fakeConversation(more: Partial<SessionSummary> = {}): SessionSummary {
  return {
    key: fakeKey(0),
    native_id: '5d1f0c7e-8f7a-4d0e-9a0b-3f6f1f6f2a10',
    session_hash: `blake3:${'0123456789abcdef'.repeat(4)}`,
    agent: 'claude',
    agent_version: '2.1.233',
    member: 'local',
    device: 'local',
    project: 'github.com/acme/web',
    project_hash: null,
    cwd: '/home/ada/web',
    git_branch: 'fix/lock-race',
    title: 'Fix the race between lock and unlock',
    first_message: 'The tests of the lock fail once in a hundred runs.\nFind out why.',
    started_at_ms: AT_MS - 90 * MINUTE_MS,
    ended_at_ms: AT_MS - 12 * MINUTE_MS,
    message_count: 148,
    user_message_count: 9,
    models: ['claude-opus-5-5'],
    parent_key: null,
    relationship: '',
    termination_status: null,
    is_automated: false,
    is_truncated: false,
    total_output_tokens: 31_000,
    peak_context_tokens: 120_000,
    starred_at_ms: null,
    pins: [],
    presence: { kind: 'present' },
    rule_set: 'rules/1',
    redactions: {},
    cut_bytes: 0,
    team_id: 'local',
    stored_at_ms: AT_MS,
    arriving: false,
    commits: 0,
    pull_requests: 0,
    ...more,
  };
}

const TITLES = [
  'Fix the race between lock and unlock',
  'Upgrade the build to Node 24',
  'Why does the export take a minute?',
  'Write the migration of the orders table',
  null,
];

/** As many as asked for, of several agents and projects, the latest first. */
export function fakeConversations(count = 12): SessionSummary[] {
  return Array.from({ length: count }, (_, index) =>
    fakeConversation({
      key: fakeKey(index),
      title: TITLES[index % TITLES.length] ?? null,
      agent: index % 4 === 3 ? 'codex' : 'claude',
      project: ['github.com/acme/web', 'github.com/acme/payments', 'notes'][index % 3] ?? 'notes',
      started_at_ms: AT_MS - (index * 5 + 2) * 60 * MINUTE_MS,
      ended_at_ms: AT_MS - (index * 5 + 1) * 60 * MINUTE_MS,
      message_count: 12 + index * 131,
      commits: index % 3,
      pull_requests: index % 4 === 0 ? 1 : 0,
      relationship: index === 2 ? 'fork' : index === 5 ? 'continuation' : '',
      presence: index === 1 ? { kind: 'source_gone', since_ms: AT_MS } : { kind: 'present' },
      starred_at_ms: index === 0 ? AT_MS : null,
      arriving: index === 3,
    }),
  );
}

export function fakeToolCall(more: Partial<ConversationToolCall> = {}): ConversationToolCall {
  return {
    index: 0,
    tool_use_id: 'toolu_1',
    tool_name: 'Bash',
    category: 'Bash',
    input_json: '{"command":"npm test -- lock","description":"run the tests of the lock"}',
    skill_name: null,
    file_path: null,
    subagent_native_id: null,
    result: ' ✓ src/lock.test.ts (14 tests) 212 ms\n\n Tests  14 passed (14)',
    result_bytes: 66,
    is_error: false,
    result_at_ms: null,
    ...more,
  };
}

export function fakeMessage(ordinal: number, more: Partial<ConversationMessage> = {}): ConversationMessage {
  return {
    ordinal,
    role: ordinal % 2 === 0 ? 'user' : 'assistant',
    content: `What was said in message ${ordinal + 1}.`,
    thinking: null,
    timestamp_ms: AT_MS - 90 * MINUTE_MS + ordinal * MINUTE_MS,
    model: ordinal % 2 === 0 ? null : 'claude-opus-5-5',
    is_system: false,
    is_sidechain: false,
    is_compact_boundary: false,
    source_uuid: null,
    usage: null,
    tool_calls: [],
    cut_bytes: 0,
    ...more,
  };
}

/** A conversation with one of everything: thinking, calls of all outcomes, code, a compaction, what was cut. */
export function fakeMessages(): ConversationMessage[] {
  return [
    fakeMessage(0, { content: 'The tests of the lock fail once in a hundred runs.\nFind out why.' }),
    fakeMessage(1, {
      content: [
        'The lock is released before its file is gone. Two processes can then both believe that they hold it:',
        '',
        '```ts',
        'async function unlock(path: string): Promise<void> {',
        '  held.delete(path); // too early',
        '  await rm(path);',
        '}',
        '```',
        '',
        'I will take the file away first.',
      ].join('\n'),
      thinking: 'Where is the file removed? In `unlock`, after the entry of the map. That is the window.',
      tool_calls: [
        fakeToolCall(),
        fakeToolCall({
          index: 1,
          tool_use_id: 'toolu_2',
          tool_name: 'Edit',
          category: 'Edit',
          file_path: 'src/lock.ts',
        }),
        fakeToolCall({ index: 2, tool_use_id: 'toolu_3', is_error: true, result: 'exit code 1', result_bytes: 11 }),
        fakeToolCall({ index: 3, tool_use_id: 'toolu_4', result: null, result_bytes: null }),
        fakeToolCall({ index: 4, tool_use_id: 'toolu_5', tool_name: 'Read', result: null, result_bytes: 51_200 }),
      ],
    }),
    fakeMessage(2, { content: 'Good. Commit it.' }),
    fakeMessage(3, { content: 'Earlier turns, in short.', is_compact_boundary: true, role: 'system' }),
    fakeMessage(4, { content: 'Thanks.', cut_bytes: 2_048 }),
  ];
}

export function fakeLink(more: Partial<GitLink> = {}): GitLink {
  return {
    key: fakeKey(0),
    ordinal: 1,
    kind: 'commit',
    sha: '1f3a9c2b5d6e7f8091a2b3c4d5e6f708192a3b4c',
    url: null,
    repository: 'github.com/acme/web',
    branch: 'fix/lock-race',
    confidence: 'high',
    ...more,
  };
}

/** With a commit, a pull request, a tree of which it is the second, and a store it went to. */
export function fakeDetail(more: Partial<ConversationDetail> = {}): ConversationDetail {
  const session = fakeConversation({ redactions: { 'aws-access-key': 3 } });
  const parent = fakeConversation({ key: fakeKey(7), title: 'Look at the lock' });
  const worker = fakeConversation({ key: fakeKey(8), title: 'Search for callers', relationship: 'subagent' });
  return {
    session,
    links: [
      fakeLink(),
      fakeLink({
        kind: 'pull_request',
        sha: null,
        url: 'https://github.com/acme/web/pull/12',
        ordinal: 3,
        confidence: 'medium',
      }),
    ],
    tree: {
      session: parent,
      children: [
        { session: { ...session, relationship: 'continuation' }, children: [{ session: worker, children: [] }] },
      ],
    },
    shared: [{ destination: 'team', state: 'shared', reason: null, until_ms: null }],
    ...more,
  };
}

export function fakeHit(more: Partial<SearchHit> = {}): SearchHit {
  return {
    session: fakeConversation(),
    ordinal: 1,
    scope: 'message',
    role: 'assistant',
    snippet: '… the race condition is in unlock, where the race begins …',
    highlights: [
      { start: 6, end: 20 },
      { start: 45, end: 49 },
    ],
    copies: 0,
    ...more,
  };
}

export function fakeConversationSource(more: Partial<SessionsSourceStatus> = {}): SessionsSourceStatus {
  return {
    label: 'agentsview',
    in_use: true,
    exists: true,
    sessions: 312,
    gone: 0,
    last_round_ms: AT_MS - 4_000,
    last_change_ms: AT_MS - MINUTE_MS,
    paused: null,
    failing: 0,
    last_error: null,
    ...more,
  };
}
