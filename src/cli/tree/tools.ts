import type { CommandDeclaration } from '../declaration.ts';

export const TOOLS: readonly CommandDeclaration[] = [
  {
    name: 'sandbox',
    summary: 'try things out on this machine alone: memory',
    examples: ['syncline sandbox memory --nodes 3'],
    commands: [
      {
        name: 'memory',
        summary: 'members of one memory, one of them killed and brought back; nothing stays',
        details: 'Ports 4790 and those after it. Each write waits for two of them.',
        options: [{ flags: '--nodes <n>', description: 'how many, 1 to 5 (default 3)' }],
        examples: ['syncline sandbox memory', 'syncline sandbox memory --nodes 3'],
        handles_interrupt: true,
        load: async () => (await import('../commands/sandbox-memory.ts')).sandboxMemory,
      },
    ],
  },
];
