import { AGENT, AGENTS, LIMIT, PROJECT, SINCE, UNTIL, type CommandDeclaration } from '../declaration.ts';

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
];
