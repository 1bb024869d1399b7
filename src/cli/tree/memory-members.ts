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
    summary: 'the machines that share this memory: list, add, remove, renew',
    examples: ['syncline memory peers list'],
    commands: [
      {
        name: 'list',
        summary: 'names and addresses, ai-memory among them; who lags, is silent, differs',
        examples: ['syncline memory peers list', 'syncline memory peers list --json'],
        load: async () => (await import('../commands/memory/members.ts')).listPeers,
      },
      {
        name: 'add',
        arguments: '<name>',
        summary: 'a node of ai-memory, into the configuration; shows it and asks. Members are paired: invite, join',
        details: 'Nothing leaves to it but what --send names, and private memories never do.',
        options: [
          { flags: '--url <url>', description: 'where it is reached; none: it speaks to memory.compat_listen only' },
          { flags: '--agent-id <id>', description: 'its id on the wire (host:desktop); none: the name' },
          { flags: '--send <namespaces>', description: 'what may leave to it: team/**, with commas between' },
          { flags: '--unscoped', description: 'send also memories that say no scope' },
          { flags: '--take <namespaces>', description: 'what it may write to' },
          { flags: '--public-key <key>', description: 'with which it signs; else its file in keys/ai-memory' },
          { flags: '--unsigned', description: 'it cannot sign (before 0.7, or without a key)' },
          { flags: '--fingerprint <sha256>', description: 'of its certificate, which is then pinned' },
          { flags: '--insecure', description: 'allow http:// to another machine' },
        ],
        examples: ['syncline memory peers add desktop --url https://desktop.lan:9077 --send team/** --take team/**'],
        load: async () => (await import('../commands/memory/old-peers.ts')).addPeer,
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
