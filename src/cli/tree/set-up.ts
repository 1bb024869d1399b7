import { DRY_RUN, type CommandDeclaration } from '../declaration.ts';

const CONFIG: CommandDeclaration = {
  name: 'config',
  summary: 'the configuration: what is in effect and whether it is valid',
  examples: ['syncline config check', 'syncline config show team'],
  commands: [
    {
      name: 'show',
      arguments: '[section]',
      summary: 'every key in effect, with where it was set; secrets only as references',
      options: [{ flags: '--all', description: 'also keys that have their default' }],
      examples: ['syncline config show', 'syncline config show server --all', 'syncline config show --json'],
      load: async () => (await import('../commands/config.ts')).configShow,
    },
    {
      name: 'check',
      summary: 'list every mistake with its line; exit 2 when there is one',
      examples: ['syncline config check', 'syncline config check --config draft.toml'],
      load: async () => (await import('../commands/config.ts')).configCheck,
    },
    {
      name: 'schema',
      summary: 'the JSON Schema of the file, for editors',
      examples: ['syncline config schema > syncline.schema.json'],
      load: async () => (await import('../commands/config.ts')).configSchema,
    },
    {
      name: 'path',
      summary: 'where the configuration file and the state are',
      examples: ['syncline config path', 'syncline config path --profile work --json'],
      load: async () => (await import('../commands/config.ts')).configPath,
    },
  ],
};

const AGENTS_COMMAND: CommandDeclaration = {
  name: 'agents',
  summary: 'hooks and memory of coding agents: list, connect, disconnect',
  examples: ['syncline agents list', 'syncline agents connect'],
  commands: [
    {
      name: 'list',
      summary: 'which agents are here, and what of ours stands in their files',
      examples: ['syncline agents list', 'syncline agents list --json'],
      load: async () => (await import('../commands/agents.ts')).list,
    },
    {
      name: 'connect',
      arguments: '[agent]',
      summary: 'put the hook and the memory server into an agent; shows it first, asks',
      details:
        'claude, codex, cursor or all (default). Only files of the user, never of a repository; the rest of them stays to the byte.',
      options: [DRY_RUN],
      examples: ['syncline agents connect', 'syncline agents connect claude --dry-run'],
      load: async () => (await import('../commands/agents.ts')).connect,
    },
    {
      name: 'disconnect',
      arguments: '[agent]',
      summary: 'take them out again: what carries our mark, and nothing else',
      options: [DRY_RUN],
      examples: ['syncline agents disconnect', 'syncline agents disconnect codex --yes'],
      load: async () => (await import('../commands/agents.ts')).disconnect,
    },
  ],
};

export const SET_UP: readonly CommandDeclaration[] = [
  {
    name: 'init',
    summary: 'write the configuration; at most four questions',
    examples: ['syncline init', 'syncline init --yes'],
    load: async () => (await import('../commands/init.ts')).init,
  },
  AGENTS_COMMAND,
  {
    name: 'doctor',
    summary: 'look for faults on this machine; exit 1 when there is one',
    examples: ['syncline doctor', 'syncline doctor --json'],
    load: async () => (await import('../commands/doctor.ts')).doctor,
  },
  CONFIG,
  {
    name: 'uninstall',
    summary: 'stop, and take hooks and memory server out of the agents again; says what it leaves',
    details:
      'Only what carries our mark. The state stays: with --purge it is deleted after another question, and the configuration stays also then. The program itself goes as it came.',
    options: [{ flags: '--purge', description: 'also delete the state: databases, keys, log' }, DRY_RUN],
    examples: ['syncline uninstall', 'syncline uninstall --purge', 'syncline uninstall --dry-run'],
    load: async () => (await import('../commands/uninstall.ts')).uninstall,
  },
  {
    name: 'version',
    summary: 'the versions of the program, Node and SQLite',
    examples: ['syncline version', 'syncline version --json'],
    load: async () => (await import('../commands/version.ts')).version,
  },
];
