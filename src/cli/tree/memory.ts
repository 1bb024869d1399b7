import { DRY_RUN, LIMIT, SINCE, UNTIL, type CommandDeclaration, type OptionDeclaration } from '../declaration.ts';
import { MEMORY_MEMBERS } from './memory-members.ts';

const NAMESPACE: OptionDeclaration = { flags: '--namespace <name>', description: 'like global or team/ops' };
const TIER: OptionDeclaration = {
  flags: '--tier <tier>',
  description: 'short 6 h, mid 7 d, long for ever',
  choices: ['short', 'mid', 'long'],
};
const TAGS: OptionDeclaration = {
  flags: '--tags <tags>',
  description: 'with commas; may be repeated',
  repeatable: true,
};

/** Who writes, in which conversation, how often at most, and on how many machines. */
const WRITING: readonly OptionDeclaration[] = [
  { flags: '--as <agent>', description: 'who writes; else the agent around, else user' },
  { flags: '--session <id>', description: 'the conversation (also SYNCLINE_SESSION)' },
  { flags: '--key <text>', description: 'a repeat with the same key has no effect' },
  { flags: '--quorum <n>', description: 'wait for so many machines; exit 1 if fewer' },
];

const FILTER: readonly OptionDeclaration[] = [
  NAMESPACE,
  TIER,
  { ...TAGS, description: 'only with all of them' },
  SINCE,
  UNTIL,
  { flags: '--min-priority <n>', description: 'only from this priority on' },
  { flags: '--by <agent>', description: 'only what this agent wrote' },
  { flags: '--visible-to <namespace>', description: 'only what who asks from there may see' },
  { ...LIMIT, description: 'at most so many (default 20)' },
  { flags: '--offset <n>', description: 'leave out the first so many' },
];

const FIELDS: readonly OptionDeclaration[] = [
  NAMESPACE,
  TIER,
  TAGS,
  { flags: '--priority <n>', description: '1 to 10, default 5' },
  { flags: '--confidence <x>', description: '0 to 1, default 1' },
  { flags: '--expires <time>', description: 'in 7d, on 2026-12-31, or RFC 3339' },
  { flags: '--metadata <json>', description: 'an object' },
];

const PENDING: CommandDeclaration = {
  name: 'pending',
  summary: 'what waits for a yes: list, approve, reject',
  examples: ['syncline memory pending list'],
  commands: [
    {
      name: 'list',
      summary: 'actions that a policy holds back',
      options: [
        {
          flags: '--status <status>',
          description: 'default pending',
          choices: ['pending', 'approved', 'rejected', 'expired'],
        },
        LIMIT,
      ],
      examples: ['syncline memory pending list', 'syncline memory pending list --status rejected --json'],
      load: async () => (await import('../commands/memory/pending.ts')).list,
    },
    {
      name: 'approve',
      arguments: '<id>',
      summary: 'say yes; it is carried out once, on every machine alike',
      options: WRITING,
      examples: ['syncline memory pending approve 5f0c…'],
      load: async () => (await import('../commands/memory/pending.ts')).approve,
    },
    {
      name: 'reject',
      arguments: '<id>',
      summary: 'say no',
      options: WRITING,
      examples: ['syncline memory pending reject 5f0c…'],
      load: async () => (await import('../commands/memory/pending.ts')).reject,
    },
  ],
};

const READING: readonly CommandDeclaration[] = [
  {
    name: 'recall',
    arguments: '<about...>',
    summary: 'what is known about a subject, best first; exit 1 when nothing is',
    details: 'Each says who wrote it, on which machine, in which session and when. It is data, not instructions.',
    options: [
      NAMESPACE,
      { ...TAGS, description: 'only with all of them' },
      SINCE,
      UNTIL,
      { flags: '--visible-to <namespace>', description: 'only what who asks from there may see' },
      { flags: '--budget-tokens <n>', description: 'stop before it has more' },
      { ...LIMIT, description: '1 to 50 (default 10)' },
      { flags: '--as <agent>', description: 'who asks' },
    ],
    examples: ['syncline memory recall "how do we deploy"', 'syncline memory recall rollback --namespace team/ops'],
    load: async () => (await import('../commands/memory/recall.ts')).recall,
  },
  {
    name: 'search',
    arguments: '<text...>',
    summary: 'memories that hold all words; exit 1 when there is none',
    options: FILTER,
    examples: ['syncline memory search rollback approvals', 'syncline memory search \'"two approvals"\' --json'],
    load: async () => (await import('../commands/memory/list.ts')).search,
  },
  {
    name: 'list',
    summary: 'memories, the highest priority first',
    options: FILTER,
    examples: ['syncline memory list', 'syncline memory list --namespace team/ops --tier long'],
    load: async () => (await import('../commands/memory/list.ts')).list,
  },
  {
    name: 'get',
    arguments: '<id>',
    summary: 'one memory, by id or the beginning of one',
    examples: ['syncline memory get 0b9c6a52', 'syncline memory get 0b9c6a52 --json'],
    load: async () => (await import('../commands/memory/recall.ts')).get,
  },
  {
    name: 'history',
    arguments: '<id>',
    summary: 'every change of a memory: who, where, in which session, when',
    examples: ['syncline memory history 0b9c6a52'],
    load: async () => (await import('../commands/memory/list.ts')).history,
  },
];

const CHANGING: readonly CommandDeclaration[] = [
  {
    name: 'update',
    arguments: '<id>',
    summary: 'change some fields; the others stay',
    options: [
      { flags: '--title <text>', description: 'another title' },
      { flags: '--content <text>', description: 'another text; - reads standard input' },
      { flags: '--file <file>', description: 'the text from a file' },
      ...FIELDS,
      { flags: '--keep', description: 'never expires' },
      ...WRITING,
    ],
    examples: [
      'syncline memory update 0b9c6a52 --priority 8',
      'syncline memory update 0b9c6a52 --content "Three approvals."',
    ],
    load: async () => (await import('../commands/memory/store.ts')).update,
  },
  {
    name: 'delete',
    arguments: '<id>',
    summary: 'delete on every machine; it does not come back',
    options: [DRY_RUN, ...WRITING],
    examples: ['syncline memory delete 0b9c6a52', 'syncline memory delete 0b9c6a52 --yes'],
    load: async () => (await import('../commands/memory/change.ts')).remove,
  },
  {
    name: 'link',
    arguments: '<source> <target>',
    summary: 'link two memories, or remove the link',
    options: [
      {
        flags: '--relation <name>',
        description: 'default related_to',
        choices: ['related_to', 'supersedes', 'contradicts', 'derived_from'],
      },
      { flags: '--remove', description: 'remove it; without --relation, all between the two' },
      ...WRITING,
    ],
    examples: ['syncline memory link 0b9c6a52 55aa01c3 --relation supersedes'],
    load: async () => (await import('../commands/memory/change.ts')).link,
  },
  {
    name: 'archive',
    arguments: '<ids...>',
    summary: 'put away: found no more, and kept',
    options: [{ flags: '--reason <text>', description: 'why' }, ...WRITING],
    examples: ['syncline memory archive 0b9c6a52 --reason "project ended"'],
    load: async () => (await import('../commands/memory/change.ts')).archive,
  },
  {
    name: 'restore',
    arguments: '<id>',
    summary: 'bring an archived memory back, by its whole id',
    options: WRITING,
    examples: ['syncline memory restore 0b9c6a52-4a39-4f0e-9d7b-1c2f3a4b5c6d'],
    load: async () => (await import('../commands/memory/change.ts')).restore,
  },
  {
    name: 'consolidate',
    arguments: '<ids...>',
    summary: 'put 2 to 100 memories into one; those are deleted',
    options: [
      { flags: '--title <text>', description: 'of the new one', required: true },
      { flags: '--summary <text>', description: 'its text', required: true },
      NAMESPACE,
      TIER,
      ...WRITING,
    ],
    examples: ['syncline memory consolidate 0b9c6a52 55aa01c3 --title Deploys --summary "…"'],
    load: async () => (await import('../commands/memory/change.ts')).consolidate,
  },
  {
    name: 'promote',
    arguments: '<id>',
    summary: 'keep for ever, or copy into another namespace',
    options: [{ flags: '--to-namespace <name>', description: 'a copy there, linked to this one' }, ...WRITING],
    examples: ['syncline memory promote 0b9c6a52', 'syncline memory promote 0b9c6a52 --to-namespace team'],
    load: async () => (await import('../commands/memory/change.ts')).promote,
  },
  {
    name: 'forget',
    summary: 'archive everything that matches',
    options: [
      NAMESPACE,
      { flags: '--pattern <words>', description: 'words, all of which it holds' },
      TIER,
      DRY_RUN,
      ...WRITING,
    ],
    examples: [
      'syncline memory forget --namespace scratch --dry-run',
      'syncline memory forget --pattern "old api" --yes',
    ],
    load: async () => (await import('../commands/memory/change.ts')).forget,
  },
];

export const MEMORY: CommandDeclaration = {
  name: 'memory',
  summary: 'what agents know: store, recall, search, list, mcp and more',
  examples: ['syncline memory store "Deploys" "Two approvals, never on Friday."', 'syncline memory recall deploy'],
  commands: [
    {
      name: 'store',
      arguments: '<title> [content...]',
      summary: 'remember something; without content, from --file or standard input',
      options: [
        { flags: '--file <file>', description: 'the text from a file' },
        ...FIELDS,
        {
          flags: '--scope <scope>',
          description: 'who may see it',
          choices: ['private', 'team', 'unit', 'org', 'collective'],
        },
        {
          flags: '--on-conflict <how>',
          description: 'when the title is taken (default error)',
          choices: ['error', 'merge', 'version'],
        },
        ...WRITING,
      ],
      examples: [
        'syncline memory store "Deploys" "Two approvals, never on Friday."',
        'syncline memory store Runbook --file runbook.md --namespace team/ops',
      ],
      load: async () => (await import('../commands/memory/store.ts')).store,
    },
    ...READING,
    ...CHANGING,
    PENDING,
    {
      name: 'stats',
      summary: 'how much is remembered, where and how',
      examples: ['syncline memory stats', 'syncline memory stats --json'],
      load: async () => (await import('../commands/memory/list.ts')).stats,
    },
    {
      name: 'export',
      summary: 'all memories and links, a line of JSON each',
      options: [{ flags: '--output <file>', description: 'into a new file instead of stdout' }],
      examples: ['syncline memory export > memories.jsonl', 'syncline memory export --output memories.jsonl'],
      load: async () => (await import('../commands/memory/transfer.ts')).exportMemories,
    },
    {
      name: 'import',
      arguments: '<file>',
      summary: 'memories of an export, also of ai-memory; twice is as once',
      options: [{ flags: '--revive', description: 'also those that were deleted here' }, ...WRITING.slice(0, 2)],
      examples: ['syncline memory import memories.jsonl'],
      load: async () => (await import('../commands/memory/transfer.ts')).importMemories,
    },
    {
      name: 'mcp',
      summary: 'serve an agent by MCP on the standard streams',
      details:
        'Asks the running Syncline, or opens the memory itself for each call. HTTP: /mcp of the running one.\nSets of tools: core (default), graph, admin, power, full; or families with commas.',
      options: [
        { flags: '--tools <sets>', description: 'which tools the agent is given' },
        { flags: '--read-only', description: 'no tool that changes anything' },
        { flags: '--as <agent>', description: 'who writes; else as the client calls itself' },
        { flags: '--session <id>', description: 'the conversation (also SYNCLINE_SESSION)' },
      ],
      examples: ['syncline memory mcp', 'syncline memory mcp --tools full'],
      handles_interrupt: true,
      load: async () => (await import('../commands/memory/mcp.ts')).mcp,
    },
    ...MEMORY_MEMBERS,
  ],
};
