import type { CommandDeclaration } from '../declaration.ts';

const ONLY = { flags: '--only <stream>', description: 'run this stream alone' };

export const RUN: readonly CommandDeclaration[] = [
  {
    name: 'up',
    summary: 'run on this machine: read, keep and show what the agents did',
    details:
      'Reads the files of the agents on this machine, read-only, and serves a page on 127.0.0.1. Without a team or destination in the configuration nothing leaves the machine. Ends with Ctrl-C.',
    options: [
      { flags: '--port <n>', description: 'port on 127.0.0.1 (default: http.port, 4777)' },
      ONLY,
      { flags: '--no-capture', description: 'serve and deliver, but read no files of agents' },
    ],
    examples: ['syncline up', 'syncline up --port 5000', 'syncline up --no-capture'],
    handles_interrupt: true,
    load: async () => (await import('../commands/up.ts')).up,
  },
  {
    name: 'server',
    summary: 'run as the server of a team',
    details:
      'Takes, keeps and shows what the machines of a team send. An address that others can reach needs a token and TLS, or a proxy in front that ends it.',
    options: [
      { flags: '--listen <address>', description: 'address and port (default: server.listen, 127.0.0.1:4777)' },
      { flags: '--public-url <url>', description: 'address under which others reach it' },
      { flags: '--tls-cert <file>', description: 'certificate chain, PEM; read again when it changes' },
      { flags: '--tls-key <file>', description: 'its private key, PEM' },
      {
        flags: '--behind-proxy <cidr>',
        description: 'addresses of a proxy that ends TLS; may be repeated',
        repeatable: true,
      },
    ],
    examples: [
      'syncline server',
      'syncline server --listen 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem',
      'syncline server --listen 0.0.0.0:4777 --behind-proxy 10.0.0.0/8',
    ],
    handles_interrupt: true,
    load: async () => (await import('../commands/server.ts')).server,
  },
  {
    name: 'stop',
    summary: 'end the running Syncline, cleanly',
    examples: ['syncline stop', 'syncline stop --profile work'],
    load: async () => (await import('../commands/stop.ts')).stop,
  },
];
