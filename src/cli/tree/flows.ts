import {
  AGENT,
  AGENTS,
  DRY_RUN,
  LIMIT,
  PROJECT,
  SINCE,
  UNTIL,
  type CommandDeclaration,
  type OptionDeclaration,
} from '../declaration.ts';
import { MEMORY } from './memory.ts';
import { RECORDS } from './records.ts';

const REPORT: CommandDeclaration = {
  name: 'report',
  summary: 'sessions, tokens, list price and tool calls, by day or otherwise',
  options: [
    {
      flags: '--by <key>',
      description: 'default day',
      choices: ['day', 'project', 'model', 'agent', 'tool', 'session'],
    },
    { ...SINCE, description: `${SINCE.description} (default 7d)` },
    UNTIL,
    PROJECT,
    AGENT,
    LIMIT,
    { flags: '--csv', description: 'as CSV' },
  ],
  examples: [
    'syncline telemetry report',
    'syncline telemetry report --by project --since 30d',
    'syncline telemetry report --by model --since 2026-11-01 --json',
  ],
  load: async () => (await import('../commands/telemetry-report.ts')).report,
};

/** Selection of conversations, the same for all commands over them. */
const CONVERSATIONS: readonly OptionDeclaration[] = [
  SINCE,
  UNTIL,
  PROJECT,
  { flags: '--agent <name>', description: 'only this agent, by its name (claude, codex, gemini, …)' },
  { flags: '--subagents', description: 'list subagents by themselves, too' },
  { flags: '--automated', description: 'also those that no person spoke in' },
  { flags: '--trashed', description: 'also those in the trash of the agent viewer' },
  { flags: '--starred', description: 'only starred ones' },
  LIMIT,
  { flags: '--after <cursor>', description: 'the page after the one whose JSON said next' },
];

const SESSIONS: CommandDeclaration = {
  name: 'sessions',
  summary: 'what agents said: list, show, search, for, export, share, unshare',
  examples: ['syncline sessions search "race condition"', 'syncline sessions for 1f3a9c2'],
  commands: [
    {
      name: 'list',
      summary: 'conversations, the latest first',
      options: CONVERSATIONS,
      examples: ['syncline sessions list', 'syncline sessions list --project "github.com/acme/*" --since 7d'],
      load: async () => (await import('../commands/sessions/list.ts')).list,
    },
    {
      name: 'show',
      arguments: '<session>',
      summary: 'one conversation: what was said, its commits, its tree',
      options: [
        { flags: '--tools', description: 'inputs and outputs of tools as well' },
        { flags: '--full', description: 'everything, thinking included, and no text cut' },
        { flags: '--from <n>', description: 'from this message on' },
        { flags: '--limit <n>', description: 'at most so many messages' },
      ],
      examples: ['syncline sessions show 4be1c07d92aa', 'syncline sessions show 4be1c07d92aa --tools --from 40'],
      load: async () => (await import('../commands/sessions/show.ts')).show,
    },
    {
      name: 'search',
      arguments: '<text...>',
      summary: 'find text in all conversations; exit 1 when there is none',
      details: 'Words must all occur; "in quotes" as a phrase; -word must not; word* is a beginning; OR between two.',
      options: [
        {
          flags: '--in <scope>',
          description: 'only there; may be repeated',
          choices: ['message', 'thinking', 'tool_input', 'tool_output', 'title'],
          repeatable: true,
        },
        ...CONVERSATIONS,
      ],
      examples: [
        'syncline sessions search parseUserId',
        'syncline sessions search \'"lock file" -windows\' --since 30d',
      ],
      load: async () => (await import('../commands/sessions/search.ts')).search,
    },
    {
      name: 'for',
      arguments: '<sha|url>',
      summary: 'the conversations behind a commit or a pull request',
      options: [{ flags: '--repository <name>', description: 'only this one: github.com/acme/web' }, LIMIT],
      examples: ['syncline sessions for 1f3a9c2', 'syncline sessions for https://github.com/acme/web/pull/12'],
      load: async () => (await import('../commands/sessions/for.ts')).forLink,
    },
    {
      name: 'export',
      arguments: '<session>',
      summary: 'one conversation as Markdown, JSON or a page that stands alone',
      options: [
        { flags: '--format <form>', description: 'default markdown', choices: ['markdown', 'json', 'html'] },
        { flags: '--output <file>', description: 'into a new file instead of stdout' },
        { flags: '--without-tools', description: 'leave out what tools got and gave' },
        { flags: '--thinking', description: 'what the model thought as well' },
      ],
      examples: [
        'syncline sessions export 4be1c07d92aa > talk.md',
        'syncline sessions export 4be1 --format html --output talk.html',
      ],
      load: async () => (await import('../commands/sessions/export.ts')).exportSession,
    },
    {
      name: 'share',
      arguments: '<sessions...>',
      summary: 'let the configuration decide again about sessions that were taken out',
      examples: ['syncline sessions share 4be1c07d92aa'],
      load: async () => (await import('../commands/sessions/share.ts')).share,
    },
    {
      name: 'unshare',
      arguments: '<sessions...>',
      summary: 'take sessions out of what is shared, and away from where they are',
      options: [DRY_RUN],
      examples: ['syncline sessions unshare 4be1c07d92aa', 'syncline sessions unshare 4be1c07d92aa --dry-run'],
      load: async () => (await import('../commands/sessions/share.ts')).unshare,
    },
    {
      name: 'link',
      arguments: '<session> <sha|url>',
      summary: 'say by hand that a session is behind a commit or a request',
      details: 'Kept on this machine over every new reading of the session; `sessions for` and `blame` go by it.',
      examples: ['syncline sessions link 4be1c07d92aa 1f3a9c2', 'syncline sessions link 4be1c07d92aa acme/web#12'],
      load: async () => (await import('../commands/sessions/link.ts')).link,
    },
    {
      name: 'unlink',
      arguments: '<session> <sha|url>',
      summary: 'say by hand that it is not, whatever its text shows',
      examples: ['syncline sessions unlink 4be1c07d92aa 1f3a9c2'],
      load: async () => (await import('../commands/sessions/link.ts')).unlink,
    },
  ],
};

export const FLOWS: readonly CommandDeclaration[] = [
  {
    name: 'telemetry',
    summary: 'what agents did: report, list, show, import, hook, schema',
    examples: ['syncline telemetry report', 'syncline telemetry list --since 1d'],
    commands: [
      REPORT,
      {
        name: 'list',
        summary: 'the latest sessions',
        options: [SINCE, PROJECT, AGENT, { ...LIMIT, description: 'at most so many (default 20)' }],
        examples: ['syncline telemetry list', 'syncline telemetry list --project web --limit 50'],
        load: async () => (await import('../commands/telemetry-sessions.ts')).list,
      },
      {
        name: 'show',
        arguments: '<session>',
        summary: 'one session, event by event',
        examples: ['syncline telemetry show 8b1c…'],
        load: async () => (await import('../commands/telemetry-sessions.ts')).show,
      },
      {
        name: 'import',
        arguments: '[path]',
        summary: 'read transcripts now; without a path, where the agents keep them',
        options: [
          { flags: '--agent <name>', description: 'whose files they are; needed with a path', choices: AGENTS },
        ],
        examples: ['syncline telemetry import', 'syncline telemetry import ~/backup/projects --agent claude'],
        load: async () => (await import('../commands/telemetry-import.ts')).importTranscripts,
      },
      {
        name: 'hook',
        summary: 'called by an agent for each of its events; prints nothing, always exits 0',
        options: [{ flags: '--agent <name>', description: 'which agent calls', choices: AGENTS }],
        examples: ['syncline telemetry hook --agent claude < event.json'],
        load: async () => (await import('../commands/telemetry-hook.ts')).hook,
      },
      {
        name: 'schema',
        summary: 'the JSON Schema of what is sent to a server',
        examples: ['syncline telemetry schema'],
        load: async () => (await import('../commands/telemetry-schema.ts')).schema,
      },
    ],
  },
  SESSIONS,
  RECORDS,
  MEMORY,
  {
    name: 'blame',
    arguments: '<file:line>',
    summary: 'the conversation behind a line of code',
    details: 'Asks git who last changed the line, then which conversation made that commit or pull request.',
    examples: ['syncline blame src/index.ts:42', 'syncline blame README.md:7 --json'],
    load: async () => (await import('../commands/blame.ts')).blameLine,
  },
];
