/** The reference's other end: gunzip → parse → one FULL transaction of unique rows → 200. */
import { createServer } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync } from 'node:zlib';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

interface BareItem {
  id: string;
  kind?: string;
  ts_ms?: number;
}

const db = new DatabaseSync(join(process.argv[2] ?? '', 'bare-loop.db'));
db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL');
db.exec('CREATE TABLE item (id TEXT PRIMARY KEY, kind TEXT, ts_ms INTEGER, state TEXT, payload TEXT) STRICT');
const insert = db.prepare('INSERT INTO item (id, kind, ts_ms, state, payload) VALUES (?, ?, ?, ?, ?)');

function store(body: Buffer): void {
  const { items } = JSON.parse(gunzipSync(body).toString()) as { items: BareItem[] };
  db.exec('BEGIN IMMEDIATE');
  for (const item of items) insert.run(item.id, item.kind ?? 'item', item.ts_ms ?? 0, 'new', JSON.stringify(item));
  db.exec('COMMIT');
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    store(Buffer.concat(chunks));
    response.writeHead(200).end('{}');
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
process.stdin.on('end', () => process.exit(0)).resume();
