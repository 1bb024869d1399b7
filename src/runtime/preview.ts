import type { OrderedDestination } from '../engine/ordered/destination.ts';
import type { EngineStore, Partition } from '../engine/store.ts';
import { PUSH_PATH } from '../memory/compat/old-peer-client.ts';
import { SYNC_PATH } from '../memory/replication/https/client.ts';
import { TELEMETRY_KINDS, type TelemetryKind } from '../telemetry/wire/body.ts';
import type { DataDirectory } from './data-directory.ts';
import { LOCAL_STORE } from './destinations.ts';
import type { Operator, PreviewBatch } from './operator.ts';

type PreviewQuery = Parameters<Operator['preview']>[0];

/**
 * The exact bodies that would leave next, for each destination but the local store; with no destination, the bodies as
 * the local store gets them, so that anybody can see what a team would see before joining one. Sends nothing, plans
 * nothing, changes nothing.
 */
export async function preview(directory: DataDirectory, query: PreviewQuery): Promise<PreviewBatch[]> {
  const of_telemetry = query.stream === null || query.stream === 'telemetry';
  const batches = of_telemetry ? await previewTelemetry(directory, query) : [];
  // A memory belongs to no project, and to a session only as what it came from.
  const is_narrowed = query.project !== null || query.session !== null;
  if (is_narrowed || (query.stream !== null && query.stream !== 'memory')) return batches;
  batches.push(...(await previewMembers(directory, query.limit - batches.length)));
  return [...batches, ...(await previewOldPeers(directory, query.limit - batches.length))];
}

/** The next message to each paired machine. */
async function previewMembers({ memory }: DataDirectory, limit: number): Promise<PreviewBatch[]> {
  const batches: PreviewBatch[] = [];
  if (!memory) return batches;
  for (const { name, member } of memory.peers.book.peers()) {
    const next = batches.length < limit ? await memory.peers.replication.preview(member) : null;
    if (!next) continue;
    const { items, body, verb } = next;
    const path = `${SYNC_PATH}${verb}`;
    batches.push({ ...{ stream: 'memory', destination: name, path, items, body }, bytes: Buffer.byteLength(body) });
  }
  return batches;
}

/** What nodes of ai-memory would be told next; what is pushed is all that leaves besides answers to them. */
async function previewOldPeers({ old_peers }: DataDirectory, limit: number): Promise<PreviewBatch[]> {
  if (!old_peers || limit <= 0) return [];
  const batches = (await old_peers.preview(limit)).flatMap(({ peer, pushes }) =>
    pushes.map(({ items, body }): PreviewBatch => ({
      ...{ stream: 'memory', destination: peer, path: PUSH_PATH },
      ...{ items, bytes: Buffer.byteLength(body), body },
    })),
  );
  return batches.slice(0, limit);
}

async function previewTelemetry(directory: DataDirectory, query: PreviewQuery): Promise<PreviewBatch[]> {
  const { engine, destinations, labels } = directory;
  const remote = destinations.filter(({ destination }) => destination.id !== LOCAL_STORE);
  const shown = remote.length > 0 ? remote : destinations;
  const acked = await ackedOffsets(engine);
  const session = query.session === null ? null : (labels.sessionsNamed(query.session)[0]?.hash ?? query.session);
  const batches: PreviewBatch[] = [];
  for (const partition of await engine.partitions()) {
    const label = labels.find(String(partition.header['workspace_hash']));
    if (query.project !== null && label?.name !== query.project && label?.detail !== query.project) continue;
    for (const { destination } of shown) {
      if (batches.length >= query.limit) return batches;
      if (!destination.accepts(partition.stream, partition.header)) continue;
      const settled = remote.length > 0 ? acked.get(`${destination.id} ${partition.name}`) : undefined;
      const from = Math.max(partition.first_offset, (settled ?? 0) + 1);
      const items = await nextItems(engine, partition, { from, session, most: destination.limits(partition.header) });
      if (items.length > 0) batches.push(bodyOf(destination, partition, items));
    }
  }
  return batches;
}

async function ackedOffsets(engine: EngineStore): Promise<Map<string, number>> {
  const progress = await engine.progress();
  return new Map(progress.map((row) => [`${row.destination_id} ${row.partition}`, row.acked_offset]));
}

/** The next items of a partition, of one session where one is asked for: that one's may lie deep in the backlog. */
async function nextItems(
  engine: EngineStore,
  { partition_id, last_offset }: Partition,
  { from, session, most }: { from: number; session: string | null; most: { max_items: number } },
): Promise<string[]> {
  const items: string[] = [];
  for (let first = from; first <= last_offset && items.length < most.max_items; first += most.max_items) {
    const entries = await engine.read(partition_id, first, Math.min(last_offset, first + most.max_items - 1));
    for (const { payload } of entries)
      if (payload !== null && (session === null || payload.includes(session))) items.push(payload);
    if (session === null && items.length > 0) break;
  }
  return items.slice(0, most.max_items);
}

function bodyOf(destination: OrderedDestination, { header }: Partition, items: readonly string[]): PreviewBatch {
  const room = destination.limits(header).max_body_bytes - destination.envelopeBytes(header);
  const fitting = withinBytes(items, room);
  const body = destination.encode(header, fitting);
  const { path } = TELEMETRY_KINDS[header['kind'] as TelemetryKind];
  return {
    stream: 'telemetry',
    destination: destination.id,
    path,
    items: fitting.length,
    bytes: Buffer.byteLength(body),
    body,
  };
}

function withinBytes(items: readonly string[], max_bytes: number): string[] {
  let bytes = 0;
  const end = items.findIndex((item, i) => (bytes += Buffer.byteLength(item) + 1) > max_bytes && i > 0);
  return items.slice(0, end < 0 ? items.length : end);
}
