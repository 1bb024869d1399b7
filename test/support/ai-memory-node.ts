/**
 * The baseline node as a process of its own: its database in a file, so that it can be killed and come back. Its users speak
 * to it on a second port: `POST /VERB` with a JSON list of arguments.
 *
 * node ai-memory-node.ts NAME DATABASE PORT PEER_URL
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BaselineMemoryPeer } from './baseline-memory-peer.ts';

const [name = '', path = '', port = '0', peer_url = ''] = process.argv.slice(2);
const peer = new BaselineMemoryPeer({ name, path, now_ms: () => Date.now() });
if (peer_url !== '') peer.peers.push(peer_url);

const VERBS: Record<string, (...values: never[]) => unknown> = {
  create: (row) => peer.create(row),
  put: (row) => peer.put(row),
  update: (id, change) => peer.update(id, change),
  delete: (id) => peer.delete(id),
  archive: (id) => peer.archive(id),
  link: (source, target) => peer.link(source, target),
  broadcastRow: (row) => peer.broadcastRow(row),
  catchUp: (url) => peer.catchUp(url),
  rows: () => peer.rows(),
  links: () => peer.links(),
  standards: () => peer.standards(),
  pendings: () => peer.pendings(),
  received: () => peer.received.map(({ headers, body }) => ({ headers, body })),
};

const url = await peer.start(Number(port));
const control = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const verb = VERBS[(request.url ?? '').slice(1)];
    const values = JSON.parse(Buffer.concat(chunks).toString() || '[]') as never[];
    void Promise.resolve(verb?.(...values)).then((answer) =>
      response.writeHead(verb ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? null)),
    );
  });
});
control.listen(0, '127.0.0.1', () => {
  const address = control.address() as AddressInfo;
  const ready = { url, control: `http://127.0.0.1:${address.port}`, pid: process.pid, home: '' };
  process.stdout.write(`${JSON.stringify(ready, null, 2)}\n`);
});
