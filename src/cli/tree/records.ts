import { DRY_RUN, LIMIT, type CommandDeclaration } from '../declaration.ts';

export const RECORDS: CommandDeclaration = {
  name: 'records',
  summary: 'Salesforce and PostgreSQL in step: init, plan, apply, drift, history, revert, status, uninstall',
  examples: ['syncline records plan --out accounts.plan', 'syncline records status'],
  commands: [
    {
      name: 'init',
      summary: 'sign in, look at the rights, propose a mapping, show the SQL that the tables need',
      details:
        'Reads both sides and changes neither, except for the one mapping file that it proposes, and with --apply-sql. The SQL makes a schema of its own and triggers on the mapped tables.',
      options: [
        { flags: '--object <object>', description: 'propose a mapping of this object of Salesforce' },
        { flags: '--table <table>', description: 'and this table, with its schema: public.accounts' },
        { flags: '--name <name>', description: 'what the pair is called here (default: the table)' },
        { flags: '--device', description: 'sign in with a code, without a browser on this machine' },
        { flags: '--role <role>', description: 'grant what is needed to this role, and no more' },
        { flags: '--sql <file>', description: 'write the SQL there' },
        { flags: '--apply-sql', description: 'run it, after asking' },
      ],
      examples: [
        'syncline records init --object Account --table public.accounts',
        'syncline records init --sql setup.sql',
        'syncline records init --apply-sql',
      ],
      handles_interrupt: true,
      load: async () => (await import('../commands/records/init.ts')).init,
    },
    {
      name: 'plan',
      arguments: '[objects...]',
      summary: 'what would be written on each side; writes nothing; 1 if there is something',
      options: [{ flags: '--out <file>', description: 'keep the plan for `records apply`' }],
      examples: [
        'syncline records plan',
        'syncline records plan accounts --out accounts.plan',
        'syncline records plan --json',
      ],
      handles_interrupt: true,
      load: async () => (await import('../commands/records/plan.ts')).plan,
    },
    {
      name: 'apply',
      arguments: '<plan>',
      summary: 'say yes to a plan: the objects are kept in step from then on',
      details: 'Refused when the mapping changed, or more moved on either side than the plan allows.',
      examples: ['syncline records apply accounts.plan', 'syncline records apply accounts.plan --yes'],
      handles_interrupt: true,
      load: async () => (await import('../commands/records/plan.ts')).apply,
    },
    {
      name: 'drift',
      arguments: '[objects...]',
      summary: 'compare both real sides; 1 if they differ',
      options: [{ flags: '--repair', description: 'have what differs looked at, under the same merge and brakes' }],
      examples: ['syncline records drift', 'syncline records drift accounts --repair'],
      handles_interrupt: true,
      load: async () => (await import('../commands/records/drift.ts')).drift,
    },
    {
      name: 'history',
      arguments: '<object> <key>',
      summary: 'each change that was carried for one record, with the values before and after',
      options: [LIMIT],
      examples: ['syncline records history accounts A-1001'],
      load: async () => (await import('../commands/records/history.ts')).history,
    },
    {
      name: 'revert',
      arguments: '[object] [key]',
      summary: 'write the former values, of the last change of a key or of a batch',
      options: [{ flags: '--batch <id>', description: 'all changes that were written together' }],
      examples: ['syncline records revert accounts A-1001', 'syncline records revert --batch 0197… --yes'],
      load: async () => (await import('../commands/records/history.ts')).revert,
    },
    {
      name: 'status',
      summary: 'each object: in step, waiting, paused, conflicts; 1 unless all is well',
      examples: ['syncline records status', 'syncline records status --json'],
      load: async () => (await import('../commands/records/status.ts')).status,
    },
    {
      name: 'uninstall',
      summary: 'remove every trigger, table and grant that it made in the database',
      options: [DRY_RUN],
      examples: ['syncline records uninstall --dry-run', 'syncline records uninstall'],
      load: async () => (await import('../commands/records/uninstall.ts')).uninstall,
    },
  ],
};

const ABOUT = [
  { flags: '--stream <stream>', description: 'records/NAME' },
  { flags: '--field <field>', description: 'only of this field' },
  { flags: '--key <key>', description: 'only of this record' },
];

export const CONFLICTS: CommandDeclaration = {
  name: 'conflicts',
  summary: 'fields that both sides changed: list, show, resolve',
  examples: [
    'syncline conflicts list',
    'syncline conflicts resolve --stream records/accounts --field phone --take salesforce',
  ],
  commands: [
    {
      name: 'list',
      summary: 'by field, then one by one with the values; 1 if there are any',
      options: [...ABOUT, LIMIT],
      examples: ['syncline conflicts list', 'syncline conflicts list --stream records/accounts --json'],
      load: async () => (await import('../commands/records/conflicts.ts')).list,
    },
    {
      name: 'show',
      arguments: '<id>',
      summary: 'one of them, with the value of each side and what both had agreed on',
      examples: ['syncline conflicts show 0197…'],
      load: async () => (await import('../commands/records/conflicts.ts')).show,
    },
    {
      name: 'resolve',
      arguments: '[ids...]',
      summary: 'decide; without ids, all that match, thousands with one command',
      options: [
        ...ABOUT,
        { flags: '--take <side>', description: 'the value of this side', choices: ['salesforce', 'postgres'] },
        { flags: '--value <text>', description: 'this value, on both sides' },
      ],
      examples: [
        'syncline conflicts resolve 0197… --take postgres',
        'syncline conflicts resolve --stream records/accounts --field phone --take salesforce --yes',
      ],
      load: async () => (await import('../commands/records/conflicts.ts')).resolve,
    },
  ],
};
