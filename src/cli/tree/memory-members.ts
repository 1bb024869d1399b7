import type { CommandDeclaration } from '../declaration.ts';

/** Which machines share this memory. */
export const MEMORY_MEMBERS: readonly CommandDeclaration[] = [
  {
    name: 'invite',
    summary: 'print a link with which another machine joins this memory',
    details: 'Good once and for ten minutes. The other machine must reach this one: set memory.listen first.',
    options: [{ flags: '--url <url>', description: 'where this machine is reached: https://desktop.lan:4778' }],
    examples: ['syncline memory invite', 'syncline memory invite --url https://desktop.lan:4778'],
    handles_interrupt: true,
    load: async () => (await import('../commands/memory/members.ts')).invite,
  },
  {
    name: 'join',
    arguments: '<link>',
    summary: 'share this memory with the machine that made the link; asks first',
    options: [
      { flags: '--name <name>', description: 'how the other one shall call this machine' },
      { flags: '--url <url>', description: 'where this machine is reached; none: it dials only' },
    ],
    examples: ["syncline memory join 'https://desktop.lan:4778/#…'"],
    load: async () => (await import('../commands/memory/members.ts')).join,
  },
  {
    name: 'peers',
    summary: 'the machines that share this memory: list, remove, renew',
    examples: ['syncline memory peers list'],
    commands: [
      {
        name: 'list',
        summary: 'names and addresses; who lags, is silent, differs',
        examples: ['syncline memory peers list', 'syncline memory peers list --json'],
        load: async () => (await import('../commands/memory/members.ts')).listPeers,
      },
      {
        name: 'remove',
        arguments: '<name>',
        summary: 'stop sharing with one; it keeps what it has',
        examples: ['syncline memory peers remove desktop'],
        load: async () => (await import('../commands/memory/members.ts')).removePeer,
      },
      {
        name: 'renew',
        summary: 'number what this machine writes anew; nothing is lost',
        details:
          'For a machine whose clock was more than a day ahead (set it right first), and for a copy of another machine: what no other one has goes on under the new number.',
        examples: ['syncline memory peers renew', 'syncline memory peers renew --yes'],
        load: async () => (await import('../commands/memory/members.ts')).renew,
      },
    ],
  },
];
