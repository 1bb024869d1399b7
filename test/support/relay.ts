/**
 * A process that passes connections on: `node relay.ts FROM TO`, each `tcp:HOST:PORT` or `unix:PATH`. Prints `ready` once it
 * listens. Two of them, joined by a path, are a router that translates addresses: the one listens in the inner network, the
 * other connects from the outer one, and no packet and no address passes between them.
 */
import { connect, createServer, type Socket } from 'node:net';

function placeOf(text: string): { path: string } | { host: string; port: number } {
  const [kind, ...rest] = text.split(':');
  if (kind === 'unix') return { path: rest.join(':') };
  return { host: rest.slice(0, -1).join(':'), port: Number(rest.at(-1)) };
}

const [from = '', to = ''] = process.argv.slice(2);

const server = createServer({ allowHalfOpen: true }, (near: Socket) => {
  const far = connect({ ...placeOf(to), allowHalfOpen: true });
  for (const [one, other] of [
    [near, far],
    [far, near],
  ] as const) {
    one.pipe(other);
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
});
server.listen(placeOf(from), () => process.stdout.write('ready\n'));
