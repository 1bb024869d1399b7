import { Gauge, type Registry } from 'prom-client';
import type { PeerStatus, ReplicationStatus } from '../memory/replication/replication-status.ts';
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

/** Of a machine that shares the memory; its name is the one it was paired with. */
const PEER_GAUGES: Record<string, { help: string; of: (peer: PeerStatus, now_ms: number) => number | null }> = {
  syncline_memory_peer_waiting_operations: { help: 'Operations that it lacks.', of: ({ waiting }) => waiting },
  syncline_memory_peer_waiting_seconds: {
    help: 'How long the first of them has waited; 0 when none does.',
    of: ({ waiting_since_ms }, now_ms) => secondsSince(waiting_since_ms, now_ms),
  },
  syncline_memory_peer_silent_seconds: {
    help: 'Since it was heard; absent while it was not heard since the start.',
    of: ({ heard_ms }, now_ms) => (heard_ms === null ? null : secondsSince(heard_ms, now_ms)),
  },
  syncline_memory_peer_diverged_seconds: {
    help: 'How long its rows have differed at equal vectors; 0 when they do not.',
    of: ({ diverged_since_ms }, now_ms) => secondsSince(diverged_since_ms, now_ms),
  },
  syncline_memory_peer_repaired_rows: {
    help: 'Rows joined with it since the start.',
    of: ({ link }) => link?.repaired ?? 0,
  },
  syncline_memory_peer_held_origins: {
    help: 'Origins of which it set an operation aside.',
    of: ({ link }) => link?.held.length ?? 0,
  },
};

function secondsSince(at_ms: number | null, now_ms: number): number {
  return at_ms === null ? 0 : Math.max(0, (now_ms - at_ms) / 1000);
}

const MEMORY_GAUGES: Record<string, { help: string; of: (peers: ReplicationStatus) => number }> = {
  syncline_memory_members: { help: 'Machines that share the memory, this one included.', of: ({ members }) => members },
  syncline_memory_reachable_members: { help: 'Of them, heard of within a minute.', of: ({ reachable }) => reachable },
  syncline_memory_waiting_writes: {
    help: 'Writes that wait for other machines.',
    of: ({ waiting_writes }) => waiting_writes,
  },
  syncline_memory_parked_operations: {
    help: 'Operations of others set aside here.',
    of: ({ parked }) => parked.length,
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
  for (const [name, { help, of }] of Object.entries(PEER_GAUGES))
    new Gauge({
      name,
      help,
      labelNames: ['peer'],
      registers,
      async collect() {
        const { memory } = await status();
        this.reset();
        for (const peer of memory?.peers?.peers ?? []) {
          const value = of(peer, now_ms());
          if (value !== null) this.set({ peer: peer.name }, value);
        }
      },
    });
  for (const [name, { help, of }] of Object.entries(MEMORY_GAUGES))
    new Gauge({
      name,
      help,
      labelNames: [],
      registers,
      async collect() {
        const { memory } = await status();
        this.reset();
        if (memory?.peers) this.set(of(memory.peers));
        else this.remove();
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
