import { Gauge, type Registry } from 'prom-client';
import type { DestinationStatus, Operator, StatusReport } from '../runtime/operator.ts';

/** A destination's figures; its configured name is one per stream. */
const DESTINATION_GAUGES: Record<string, { help: string; of: (row: DestinationStatus, now_ms: number) => number }> = {
  syncline_destination_waiting_entries: { help: 'Entries not yet acknowledged.', of: ({ waiting }) => waiting },
  syncline_destination_oldest_waiting_seconds: {
    help: 'Age of the oldest entry not yet acknowledged; 0 when none waits.',
    of: ({ oldest_waiting_ms }, now_ms) =>
      oldest_waiting_ms === null ? 0 : Math.max(0, (now_ms - oldest_waiting_ms) / 1000),
  },
  syncline_destination_acknowledged_entries: { help: 'Entries acknowledged.', of: ({ acknowledged }) => acknowledged },
  syncline_destination_dead_letters: { help: 'Open dead letters.', of: ({ dead_letters }) => dead_letters },
  syncline_destination_held_partitions: { help: 'Partitions refused whole.', of: ({ held }) => held.length },
  syncline_destination_circuit_open: {
    help: '1 while the destination is not well.',
    of: ({ circuit }) => (circuit === 'closed' ? 0 : 1),
  },
};

const PROCESS_GAUGES: Record<string, { help: string; of: (status: StatusReport) => number }> = {
  syncline_storage_used_bytes: { help: 'Journal and store together.', of: ({ storage }) => storage.bytes },
  syncline_storage_cap_bytes: { help: 'Most that they may hold.', of: ({ storage }) => storage.cap_bytes },
  syncline_spool_bytes: { help: 'Hook records waiting in the spool.', of: ({ spool }) => spool.bytes },
  syncline_spool_dropped: { help: 'Hook events dropped at the cap.', of: ({ spool }) => spool.dropped },
};

/**
 * The engine's state as gauges. `syncline_engine_count` holds every drop, duplicate, clash and removed secret by the name
 * and label of its counter, which are rules and reasons, never data.
 */
export function observeEngine(registry: Registry, operator: Operator, now_ms: () => number): void {
  const registers = [registry];
  const status = sharedStatus(operator);
  for (const [name, { help, of }] of Object.entries(DESTINATION_GAUGES))
    new Gauge({
      name,
      help,
      labelNames: ['destination', 'stream'],
      registers,
      async collect() {
        const { destinations } = await status();
        this.reset();
        for (const row of destinations)
          this.set({ destination: row.destination, stream: row.stream }, of(row, now_ms()));
      },
    });
  for (const [name, { help, of }] of Object.entries(PROCESS_GAUGES))
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(of(await status()));
      },
    });
  new Gauge({
    name: 'syncline_engine_count',
    help: 'Drops, duplicates, clashes, skipped lines, removed secrets since the data directory was made.',
    labelNames: ['name', 'label'],
    registers,
    async collect() {
      const { counters } = await status();
      this.reset();
      for (const [counter, labels] of Object.entries(counters))
        for (const [label, value] of Object.entries(labels)) this.set({ name: counter, label }, value);
    },
  });
}

/** The registry collects all gauges of a scrape at once; they share one status. */
function sharedStatus(operator: Operator): () => Promise<StatusReport> {
  let current: Promise<StatusReport> | null = null;
  return () => {
    current ??= operator.status().finally(() => (current = null));
    return current;
  };
}
