import type { CommandDeclaration } from '../declaration.ts';

export const SEE: readonly CommandDeclaration[] = [
  {
    name: 'status',
    arguments: '[stream]',
    summary: 'what runs, what waits and what failed',
    options: [{ flags: '-w, --watch', description: 'draw it again every second until Ctrl-C' }],
    examples: ['syncline status', 'syncline status telemetry --watch', 'syncline status --json'],
    handles_interrupt: true,
    load: async () => (await import('../commands/status.ts')).status,
  },
  {
    name: 'open',
    arguments: '[page]',
    summary: 'show the local page, with a fresh one-time link',
    options: [{ flags: '--print', description: 'print the link and start no browser' }],
    examples: ['syncline open', 'syncline open --print'],
    load: async () => (await import('../commands/open.ts')).open,
  },
  {
    name: 'preview',
    arguments: '[stream]',
    summary: 'exactly what would leave, byte for byte; sends nothing',
    options: [
      { flags: '--project <glob>', description: 'only projects of this name' },
      { flags: '--session <id>', description: 'only this session' },
      { flags: '--limit <n>', description: 'at most so many requests (default 10)' },
    ],
    examples: [
      'syncline preview',
      'syncline preview telemetry --project web',
      'syncline preview sessions --session 4be1c07d92aa',
      'syncline preview --json',
    ],
    load: async () => (await import('../commands/preview.ts')).preview,
  },
];
