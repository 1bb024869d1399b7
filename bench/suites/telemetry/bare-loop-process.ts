/** The bare loop of foundation §3g: stringify + gzip → undici → node:http → gunzip → parse → SQLite → 200. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Pool } from 'undici';
import { answer, processInput } from '../../measured-process.ts';

export interface BareLoopInput {
  folder: string;
  /** JSON lines: the very items that capture made of the same transcripts, each with a unique `id`. */
  items_file: string;
}

export interface BareLoopFigures {
  items: number;
  seconds: number;
}

const BATCH = 500;
const IN_FLIGHT = 4;
const GZIP_LEVEL = 1;
const compress = promisify(gzip);

async function send(pool: Pool, items: unknown[]): Promise<void> {
  const body = await compress(JSON.stringify({ items }), { level: GZIP_LEVEL });
  const { statusCode, body: reply } = await pool.request({ path: '/', method: 'POST', body });
  await reply.dump();
  if (statusCode !== 200) throw new Error(`the bare server answered ${statusCode}`);
}

const { folder, items_file } = processInput<BareLoopInput>();
const items = readFileSync(items_file, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line): unknown => JSON.parse(line));
const server = spawn(process.execPath, [fileURLToPath(new URL('./bare-loop-server.ts', import.meta.url)), folder], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const [port] = (await once(server.stdout, 'data')) as [Buffer];
const pool = new Pool(`http://127.0.0.1:${port.toString().trim()}`, { connections: IN_FLIGHT });

const began_ms = performance.now();
let next = 0;
await Promise.all(
  Array.from({ length: IN_FLIGHT }, async () => {
    for (let from = next; from < items.length; from = next) {
      next += BATCH;
      await send(pool, items.slice(from, from + BATCH));
    }
  }),
);
const seconds = (performance.now() - began_ms) / 1000;
await pool.close();
server.stdin.end();
await once(server, 'exit');
const figures: BareLoopFigures = { items: items.length, seconds };
answer(figures);
