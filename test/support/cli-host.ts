/** A command line without a process: streams that are read back, a clock that stands still, a runtime made of answers. */
import type { Host, Prompts } from '../../src/cli/host.ts';
import type { AgentPlace, DaemonOptions, Runtime } from '../../src/cli/runtime.ts';
import { runCommandLine } from '../../src/cli/run.ts';
import { MEMORY_METHODS, type MemoryAccess } from '../../src/memory/memory-access.ts';
import { UnreachableError, type ExitCode } from '../../src/platform/errors.ts';
import { seededRandom } from '../../src/platform/random.ts';
import type { Operator, StatusReport } from '../../src/runtime/operator.ts';

/** Saturday, 21 November 2026, 14:32 UTC. */
export const NOW_MS = Date.UTC(2026, 10, 21, 14, 32);

export interface CliWorld {
  operator?: Partial<Operator>;
  runtime?: Partial<Runtime>;
  memories?: Partial<MemoryAccess>;
  /** What stands on standard input. */
  input?: string;
  prompts?: Partial<Prompts>;
  host?: Partial<Host>;
}

export interface CliResult {
  exit: ExitCode;
  stdout: string;
  stderr: string;
}

const SETTINGS = { write_quorum: 1, quorum_timeout_ms: 100 };

/** A host of that world, and what has been written to its streams. Anything that the world does not answer is an error. */
export function hostOf(world: CliWorld): { host: Host; written: () => { stdout: string; stderr: string } } {
  const out: string[] = [];
  const err: string[] = [];
  const host: Host = {
    stdout: { write: (text) => void out.push(text) },
    stderr: { write: (text) => void err.push(text) },
    env: { HOME: process.env['HOME'], SYNCLINE_HOME: process.env['SYNCLINE_HOME'] },
    cwd: '/project',
    user_home: '/home/ada',
    platform: 'linux',
    node_version: '24.21.0',
    clock: { now_ms: () => NOW_MS, monotonic_ms: () => 0 },
    timers: { sleep: async () => undefined },
    random: seededRandom(1),
    is_tty: { stdin: false, stdout: false, stderr: false },
    columns: () => 80,
    signal: new AbortController().signal,
    from_clone: false,
    program: '/opt/syncline/bin/syncline',
    runtime: fakeRuntime(world),
    readInput: async () => world.input ?? '',
    prompts: async () => answering<Prompts>('prompts', world.prompts ?? {}),
    openBrowser: async () => false,
    ...world.host,
  };
  return { host, written: () => ({ stdout: out.join(''), stderr: err.join('') }) };
}

/** Runs `syncline ARGV` in that world. */
export async function cli(argv: readonly string[], world: CliWorld = {}): Promise<CliResult> {
  const { host, written } = hostOf(world);
  const exit = await runCommandLine(argv, host);
  return { exit, ...written() };
}

/** A terminal on all streams. */
export const TERMINAL = { is_tty: { stdin: true, stdout: true, stderr: true } };

export function fakeRuntime({ operator = {}, memories = {}, runtime = {} }: CliWorld): Runtime {
  return answering<Runtime>('runtime', {
    connectOperator: async () => ({
      ...answering<Operator>('operator', operator),
      [Symbol.asyncDispose]: async () => undefined,
    }),
    connectMemories: async () => ({
      ...answering<MemoryAccess>('memories', { settings: async () => SETTINGS, ...memories }),
      [Symbol.asyncDispose]: async () => undefined,
    }),
    sessionPlaces: async () => [],
    ...runtime,
  });
}

/** The given members; any other one that is called fails the test by name. */
function answering<T extends object>(what: string, members: Partial<T>): T {
  const missing = (name: string) => () => {
    throw new Error(`the test did not expect ${what}.${name}`);
  };
  const verbs: Record<string, unknown> = {};
  for (const name of [
    ...OPERATOR_VERBS,
    ...MEMORY_METHODS,
    'runDaemon',
    'agentPlaces',
    'connectOperator',
    'text',
    'secret',
    'confirm',
  ])
    verbs[name] = missing(name);
  return { ...verbs, ...members } as T;
}

const OPERATOR_VERBS = [
  'status',
  'report',
  'sessions',
  'session',
  'conversations',
  'conversation',
  'conversationMessages',
  'searchConversations',
  'conversationsFor',
  'conversationsEditing',
  'shareConversations',
  'previewSessions',
  'replaySessions',
  'memory',
  'preview',
  'flush',
  'erase',
  'importTranscripts',
  'deadLetters',
  'deadLetter',
  'retryDeadLetters',
  'discardDeadLetters',
  'pause',
  'resume',
  'createToken',
  'tokens',
  'revokeToken',
  'openLink',
  'stop',
] satisfies (keyof Operator)[];

/** What `connectOperator` answers where no daemon runs and one is needed. */
export const notRunning: Runtime['connectOperator'] = async () => {
  throw new UnreachableError('daemon.not_running', 'Syncline is not running', { hint: 'Start it with `syncline up`.' });
};

/** A daemon that is ready at once and ends when `until` has resolved. */
export function daemon(operator: Partial<Operator>, sample = false, seen: DaemonOptions[] = []): Partial<Runtime> {
  return {
    runDaemon: async (options) => {
      seen.push(options);
      options.on_ready(answering<Operator>('operator', operator), { sample, over: options.signal });
      // Long enough for the first screen, which asks a few questions of the operator.
      for (let turn = 0; turn < 50; turn++) await Promise.resolve();
      return 0;
    },
  };
}

export const PLACES: AgentPlace[] = [
  { agent: 'claude', path: '/home/ada/.claude/projects', because: 'default', exists: true, files: 312, problem: null },
  { agent: 'codex', path: '/opt/codex/sessions', because: 'CODEX_HOME', exists: false, files: null, problem: null },
];

const SOURCE = { skipped: {}, note: null, exists: true, files: 0 };

/** The figures of the product page's first screen. */
export const STATUS: StatusReport = {
  schema: 'syncline.status/1',
  version: '0.1.0',
  running: true,
  pid: 4711,
  started_ms: NOW_MS - 3_600_000,
  url: 'http://127.0.0.1:4777',
  home: '/home/ada/.local/share/syncline',
  nothing_leaves: true,
  conversations: null,
  memory: null,
  sources: [
    {
      ...SOURCE,
      agent: 'claude',
      name: 'projects',
      path: '/home/ada/.claude/projects',
      sessions: 312,
      projects: 14,
      bytes: 1_000_000_000,
      read_bytes: 738_000_000,
    },
    {
      ...SOURCE,
      agent: 'codex',
      name: 'sessions',
      path: '/home/ada/.codex/sessions',
      sessions: 41,
      projects: 0,
      bytes: 200_000_000,
      read_bytes: 200_000_000,
    },
    {
      ...SOURCE,
      agent: 'cursor',
      name: 'projects',
      path: '/home/ada/.cursor/projects',
      sessions: 18,
      projects: 0,
      bytes: 0,
      read_bytes: 0,
      note: 'records no token counts, so no cost',
    },
  ],
  destinations: [],
  loops: [],
  spool: { bytes: 0, cap_bytes: 64 * 1024 ** 2, dropped: 0 },
  storage: { bytes: 340_000_000, cap_bytes: 5 * 1024 ** 3, full: false },
  removed: { 'github-token': 1_000, 'aws-key': 300, 'private-key': 80, jwt: 1 },
  counters: {},
  today: { cost_usd: 4.31, sessions: 6, tool_calls: 212, tool_failures: 9 },
  warnings: [],
};

/** The status once everything has been read. */
export const ALL_READ: StatusReport = {
  ...STATUS,
  sources: STATUS.sources.map((source) => ({ ...source, read_bytes: source.bytes })),
};
