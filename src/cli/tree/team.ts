import type { CommandDeclaration } from '../declaration.ts';

export const TEAM: readonly CommandDeclaration[] = [
  {
    name: 'token',
    summary: 'tokens of members and devices: create, list, revoke',
    examples: ['syncline token create --member ada --device laptop'],
    commands: [
      {
        name: 'create',
        summary: 'make a token; its text is shown once',
        options: [
          { flags: '--member <name>', description: 'whose it is', required: true },
          { flags: '--device <name>', description: 'for which machine', required: true },
          {
            flags: '--scope <scope>',
            description: 'may be repeated (default ingest)',
            choices: ['ingest', 'read', 'operate', 'admin', 'peer'],
            repeatable: true,
          },
          { flags: '--team <id>', description: 'of which team, where the server has several' },
        ],
        examples: [
          'syncline token create --member ada --device laptop',
          'syncline token create --member ada --device browser --scope read',
        ],
        load: async () => (await import('../commands/token.ts')).create,
      },
      {
        name: 'list',
        summary: 'all tokens with their last use, never their text',
        examples: ['syncline token list', 'syncline token list --json'],
        load: async () => (await import('../commands/token.ts')).list,
      },
      {
        name: 'revoke',
        arguments: '<token-id>',
        summary: 'end one token; others go on',
        examples: ['syncline token revoke tok_0197…'],
        load: async () => (await import('../commands/token.ts')).revoke,
      },
    ],
  },
];
