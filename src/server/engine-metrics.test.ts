import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import type { Operator, StatusReport } from '../runtime/operator.ts';
import { observeEngine } from './engine-metrics.ts';

const status = {
  destinations: [
    {
      destination: 'team',
      stream: 'telemetry',
      circuit: 'open',
      waiting: 12,
      oldest_waiting_ms: 40_000,
      acknowledged: 30,
      dead_letters: 2,
      held: [{}],
    },
  ],
  memory: {
    peers: {
      ...{ members: 3, reachable: 2, waiting_writes: 1, parked: [{}] },
      peers: [
        {
          name: 'desktop',
          waiting: 4,
          waiting_since_ms: 95_000,
          heard_ms: 90_000,
          diverged_since_ms: 98_000,
          link: { repaired: 2, held: [{}] },
        },
        { name: 'laptop', waiting: 0, waiting_since_ms: null, heard_ms: null, diverged_since_ms: null, link: null },
      ],
    },
  },
  storage: { bytes: 4096, cap_bytes: 10_000 },
  spool: { bytes: 7, dropped: 3 },
  counters: { removed: { 'aws-key': 5 } },
} as unknown as StatusReport;

test('a scrape shows one status, read once', async () => {
  let reads = 0;
  const operator = { status: async () => (reads++, status) } as unknown as Operator;
  const registry = new Registry();
  observeEngine(registry, operator, () => 100_000);

  const text = await registry.metrics();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

  expect(lines.sort()).toEqual([
    'syncline_destination_acknowledged_entries{destination="team",stream="telemetry"} 30',
    'syncline_destination_circuit_open{destination="team",stream="telemetry"} 1',
    'syncline_destination_dead_letters{destination="team",stream="telemetry"} 2',
    'syncline_destination_held_partitions{destination="team",stream="telemetry"} 1',
    'syncline_destination_oldest_waiting_seconds{destination="team",stream="telemetry"} 60',
    'syncline_destination_waiting_entries{destination="team",stream="telemetry"} 12',
    'syncline_engine_count{name="removed",label="aws-key"} 5',
    'syncline_memory_members 3',
    'syncline_memory_parked_operations 1',
    'syncline_memory_peer_diverged_seconds{peer="desktop"} 2',
    'syncline_memory_peer_diverged_seconds{peer="laptop"} 0',
    'syncline_memory_peer_held_origins{peer="desktop"} 1',
    'syncline_memory_peer_held_origins{peer="laptop"} 0',
    'syncline_memory_peer_repaired_rows{peer="desktop"} 2',
    'syncline_memory_peer_repaired_rows{peer="laptop"} 0',
    'syncline_memory_peer_silent_seconds{peer="desktop"} 10',
    'syncline_memory_peer_waiting_operations{peer="desktop"} 4',
    'syncline_memory_peer_waiting_operations{peer="laptop"} 0',
    'syncline_memory_peer_waiting_seconds{peer="desktop"} 5',
    'syncline_memory_peer_waiting_seconds{peer="laptop"} 0',
    'syncline_memory_reachable_members 2',
    'syncline_memory_waiting_writes 1',
    'syncline_spool_bytes 7',
    'syncline_spool_dropped 3',
    'syncline_storage_cap_bytes 10000',
    'syncline_storage_used_bytes 4096',
  ]);
  expect(reads).toBe(1);
});
