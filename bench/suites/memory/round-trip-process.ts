/** One process: writes a row to a file, syncs it, and has one exchange with another process, again and again. */
import { fork } from 'node:child_process';
import { fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { memberPool } from '../../../src/memory/replication/https/client.ts';
import { openMemberCertificate } from '../../../src/memory/replication/pairing/member-key.ts';
import { answer, processInput } from '../../measured-process.ts';
import { median } from '../../harness.ts';
import { memoryRows } from './rows.ts';

export interface RoundTripInput {
  folder: string;
  warm_up_ms: number;
  measured_ms: number;
}

export interface RoundTripFigures {
  milliseconds: number;
}

const { folder, warm_up_ms, measured_ms } = processInput<RoundTripInput>();
const own = await openMemberCertificate(join(folder, 'keys'));
const other = fork(fileURLToPath(new URL('./round-trip-server.ts', import.meta.url)), [JSON.stringify(own)]);
const port = await new Promise((resolve) => other.once('message', resolve));
const pool = memberPool({ url: `https://127.0.0.1:${String(port)}`, fingerprint: own.fingerprint, own });
const file = openSync(join(folder, 'rows'), 'w');
const rowOf = memoryRows();

async function exchange(body: string): Promise<void> {
  const response = await pool.request({ method: 'POST', path: '/', body });
  await response.body.text();
}

const times: number[] = [];
const begins_ms = performance.now() + warm_up_ms;
const ends_ms = begins_ms + measured_ms;
for (let number = 0; performance.now() < ends_ms; number++) {
  const row = JSON.stringify(rowOf(number));
  const began_ms = performance.now();
  writeSync(file, row);
  fsyncSync(file);
  await exchange(row);
  const ended_ms = performance.now();
  if (ended_ms >= begins_ms) times.push(ended_ms - began_ms);
}
await pool.destroy();
other.kill();
const figures: RoundTripFigures = { milliseconds: median(times) };
answer(figures);
