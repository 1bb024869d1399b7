/** One process: fills a journal with events nobody has delivered yet, or delivers them all and says its peak memory. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TRANSACTION_LIMITS, type NewEntry } from '../../../src/engine/store.ts';
import { invariant } from '../../../src/platform/errors.ts';
import type { DataDirectory } from '../../../src/runtime/data-directory.ts';
import { answer, processInput } from '../../measured-process.ts';
import { deliverAll, openBenchDirectory } from './data-directory.ts';

export type BacklogInput = { home: string } & ({ act: 'fill'; entries: number } | { act: 'deliver'; entries: number });

export interface BacklogFigures {
  peak_mib: number;
}

const WORKSPACES = 12;
const ENTRIES_PER_SESSION = 200;

async function fill(entries: number, { engine }: DataDirectory): Promise<void> {
  const { source_id } = await engine.openSource('telemetry', 'bench backlog', 0);
  const partition_ids: number[] = [];
  for (let i = 0; i < WORKSPACES; i++) {
    const header = { kind: 'events', workspace_hash: hash('workspace', i), project_name: `project-${i}`, salt_id: 's' };
    partition_ids.push((await engine.openPartition({ stream: 'telemetry', name: `bench/${i}`, header })).partition_id);
  }
  for (let from = 0; from < entries; from += TRANSACTION_LIMITS.max_rows) {
    const count = Math.min(TRANSACTION_LIMITS.max_rows, entries - from);
    const rows = Array.from({ length: count }, (_, i) => entryOf(from + i, partition_ids));
    await engine.append({ source_id, entries: rows, checkpoint: String(from), now_ms: 0 });
  }
}

/** Events as capture makes them of tool calls, one session after another, each in one of the workspaces. */
function entryOf(i: number, partition_ids: readonly number[]): NewEntry {
  const session = Math.floor(i / ENTRIES_PER_SESSION);
  const session_id_hash = hash('session', session);
  const observed_ms = 1_772_000_000_000 + i * 1000;
  const item = {
    session_id_hash,
    event_seq: i,
    ts_ms: observed_ms,
    agent: 'claude',
    model: 'claude-opus-5',
    kind: 'tool_result',
    source: 'tail',
    tool: 'Bash',
    tool_call_id: hash('call', i),
    payload: { result_bytes: i % 5000, duration_ms: i % 700 },
    origin_id_hash: hash('origin', i),
    owner_rank: `0101:001795237074580:${session}`,
    outcome: 'ok',
  };
  const partition_id = partition_ids[session % partition_ids.length];
  invariant(partition_id, 'every workspace has its partition');
  return { partition_id, cursor: `${i}:0`, subject: session_id_hash, observed_ms, payload: JSON.stringify(item) };
}

/** As long and as random as a real hash, so that indexes are touched as they are in life. */
function hash(what: string, i: number): string {
  const scattered = Math.imul(i ^ 0x5bd1e995, 0x9e3779b1) >>> 0;
  return `blake3:${(scattered.toString(16) + what.length.toString(16) + i.toString(16)).padEnd(64, '0')}`;
}

const input = processInput<BacklogInput>();
writeFileSync(join(input.home, 'config.toml'), '[storage]\nmax_bytes = "64GiB"\n');
const directory = await openBenchDirectory(input);
if (input.act === 'fill') await fill(input.entries, directory);
else await Promise.all([...directory.deliveries.values()].map(deliverAll));
const waiting = (await directory.engine.progress()).reduce((sum, progress) => sum + progress.waiting, 0);
const accepted = (await directory.engine.counters())['items_accepted']?.['local'] ?? 0;
await directory.close();
invariant(input.act === 'fill' || (waiting === 0 && accepted === input.entries), 'the whole backlog was delivered');
const figures: BacklogFigures = { peak_mib: process.resourceUsage().maxRSS / 1024 };
answer(figures);
