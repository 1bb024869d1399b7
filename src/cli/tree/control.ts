import { DRY_RUN, LIMIT, type CommandDeclaration, type OptionDeclaration } from '../declaration.ts';
import { CONFLICTS } from './records.ts';

const TO: OptionDeclaration = { flags: '--to <destination>', description: 'only this destination' };
const STREAM: OptionDeclaration = {
  flags: '--stream <stream>',
  description: 'only this stream; records, records/NAME',
};

const DEAD_LETTERS: CommandDeclaration = {
  name: 'dead-letters',
  summary: 'items set aside with their reason: list, show, retry, discard',
  examples: ['syncline dead-letters list', 'syncline dead-letters retry --to team'],
  commands: [
    {
      name: 'list',
      summary: 'what was set aside, newest first',
      options: [
        STREAM,
        TO,
        {
          flags: '--state <state>',
          description: 'default open',
          choices: ['open', 'retried', 'discarded', 'superseded'],
        },
        LIMIT,
      ],
      examples: ['syncline dead-letters list', 'syncline dead-letters list --to team --json'],
      load: async () => (await import('../commands/dead-letters.ts')).list,
    },
    {
      name: 'show',
      arguments: '<id>',
      summary: 'one of them with its redacted payload and what the destination said',
      options: [STREAM],
      examples: ['syncline dead-letters show 0197…'],
      load: async () => (await import('../commands/dead-letters.ts')).show,
    },
    {
      name: 'retry',
      arguments: '[ids...]',
      summary: 'send again; without ids, all open ones that match',
      options: [STREAM, TO, DRY_RUN],
      examples: ['syncline dead-letters retry 0197…', 'syncline dead-letters retry --to team --dry-run'],
      load: async () => (await import('../commands/dead-letters.ts')).retry,
    },
    {
      name: 'discard',
      arguments: '[ids...]',
      summary: 'give up on them; without ids, on all open ones that match',
      options: [STREAM, TO, DRY_RUN],
      examples: ['syncline dead-letters discard 0197…', 'syncline dead-letters discard --to team --yes'],
      load: async () => (await import('../commands/dead-letters.ts')).discard,
    },
  ],
};

export const CONTROL: readonly CommandDeclaration[] = [
  {
    name: 'pause',
    arguments: '[stream]',
    summary: 'let nothing leave until resume; capture goes on',
    options: [TO, { flags: '--for <duration>', description: 'resume by itself after 30m, 1h, 2d' }],
    examples: ['syncline pause', 'syncline pause --to team --for 1h'],
    load: async () => (await import('../commands/pause.ts')).pause,
  },
  {
    name: 'resume',
    arguments: '[stream]',
    summary: 'deliver again',
    options: [TO, { flags: '--allow <n>', description: 'records: so many changes beyond the limits of this hour' }],
    examples: ['syncline resume', 'syncline resume --to team', 'syncline resume records/accounts --allow 500'],
    load: async () => (await import('../commands/pause.ts')).resume,
  },
  {
    name: 'flush',
    arguments: '[stream]',
    summary: 'deliver what waits, then exit; 1 if something stays',
    options: [{ flags: '--timeout <duration>', description: 'give up after this long (default 30s)' }],
    examples: ['syncline flush', 'syncline flush telemetry --timeout 5m'],
    load: async () => (await import('../commands/flush.ts')).flush,
  },
  {
    name: 'replay',
    arguments: '<stream>',
    summary: 'read and compare everything again; what is there already is not sent',
    options: [
      { flags: '--from-source', description: 'from the files of the agents' },
      { flags: '--vanished', description: 'also when so many sessions are gone that reading was paused' },
    ],
    examples: ['syncline replay sessions --from-source'],
    load: async () => (await import('../commands/replay.ts')).replay,
  },
  {
    name: 'erase',
    summary: 'remove sessions or memories for good, here and where they went; 1 with --everywhere if it failed',
    details:
      'Exactly one of --session, --project, --before, --match, --memory and --namespace. What is meant is listed first, without a word of its content. Conversation, telemetry, journal and labels go; a tombstone keeps the source from bringing them back. The files of the agent are not touched.',
    options: [
      {
        flags: '--session <id>',
        description: 'this one, with its subagents: its id, its key or the beginning of that',
      },
      { flags: '--project <glob>', description: 'all of these projects, by full name: github.com/acme/web' },
      { flags: '--before <time>', description: 'all that began before: 90d, 2026-11-01 or RFC 3339' },
      {
        flags: '--match <text>',
        description: 'all in whose kept texts this stands: literal, any case, parts of words too',
      },
      { flags: '--memory <id>', description: 'this memory: its id or the beginning of it' },
      { flags: '--namespace <name>', description: 'all memories of this namespace and of those below it' },
      { flags: '--everywhere', description: 'wait until every destination has confirmed' },
      { flags: '--timeout <duration>', description: 'wait at most so long (default 30s)' },
      DRY_RUN,
    ],
    examples: [
      'syncline erase --session 4be1c07d92aa --dry-run',
      'syncline erase --session 4be1c07d92aa --everywhere',
      'syncline erase --project github.com/acme/secret --yes',
      'syncline erase --match "Project Heron" --dry-run',
      'syncline erase --memory 01a1ff31-6eff-7b07 --everywhere',
    ],
    load: async () => (await import('../commands/erase.ts')).erase,
  },
  DEAD_LETTERS,
  CONFLICTS,
];
