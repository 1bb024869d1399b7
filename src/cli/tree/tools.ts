import type { CommandDeclaration } from '../declaration.ts';

export const TOOLS: readonly CommandDeclaration[] = [
  {
    name: 'sandbox',
    summary: 'try things out on this machine alone: memory, Salesforce',
    examples: ['syncline sandbox memory --nodes 3', 'syncline sandbox salesforce'],
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
      {
        name: 'salesforce',
        summary: 'an organisation with the interfaces of Salesforce; nothing stays',
        details:
          'REST, Bulk 2.0 and sign-in on one port, change events on another, both on loopback. Records are edited in the browser.',
        options: [
          { flags: '--port <n>', description: 'of REST (default 4780; 0 is any)' },
          { flags: '--pubsub-port <n>', description: 'of change events (default 4781; 0 is any)' },
          { flags: '--seed <n>', description: 'of ids and tokens (default 1)' },
          { flags: '--http', description: 'plain HTTP for REST, without a certificate' },
        ],
        examples: ['syncline sandbox salesforce', 'syncline sandbox salesforce --port 0 --pubsub-port 0 --json'],
        handles_interrupt: true,
        load: async () => (await import('../commands/sandbox-salesforce.ts')).sandboxSalesforce,
      },
    ],
  },
];
