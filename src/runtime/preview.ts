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
  const { engine, destinations, labels } = directory;
  if (query.stream !== null && query.stream !== 'telemetry') return [];
  const remote = destinations.filter(({ destination }) => destination.id !== LOCAL_STORE);
  const shown = remote.length > 0 ? remote : destinations;
  const progress = await engine.progress();
  const batches: PreviewBatch[] = [];
  for (const partition of await engine.partitions()) {
    const label = labels.find(String(partition.header['workspace_hash']));
    if (query.project !== null && label?.name !== query.project && label?.detail !== query.project) continue;
    for (const { destination } of shown) {
      if (batches.length >= query.limit) return batches;
      if (!destination.accepts(partition.stream, partition.header)) continue;
      const acked = progress.find(
        (p) => p.destination_id === destination.id && p.partition === partition.name,
      )?.acked_offset;
      const from = remote.length > 0 ? (acked ?? partition.first_offset - 1) + 1 : partition.first_offset;
      const limits = destination.limits(partition.header);
      const entries = await engine.read(
        partition.partition_id,
        from,
        Math.min(partition.last_offset, from + limits.max_items - 1),
      );
      const session = query.session === null ? null : (labels.sessionsNamed(query.session)[0]?.hash ?? query.session);
      const items = entries
        .map(({ payload }) => payload)
        .filter((payload) => payload !== null)
        .filter((payload) => session === null || payload.includes(session));
      if (items.length === 0) continue;
      const fitting = withinBytes(items, limits.max_body_bytes - destination.envelopeBytes(partition.header));
      const body = destination.encode(partition.header, fitting);
      const { path } = TELEMETRY_KINDS[partition.header['kind'] as TelemetryKind];
      batches.push({
        stream: 'telemetry',
        destination: destination.id,
        path,
        items: fitting.length,
        bytes: Buffer.byteLength(body),
        body,
      });
    }
  }
  return batches;
}

function withinBytes(items: readonly string[], max_bytes: number): string[] {
  let bytes = 0;
  const end = items.findIndex((item, i) => (bytes += Buffer.byteLength(item) + 1) > max_bytes && i > 0);
  return items.slice(0, end < 0 ? items.length : end);
}
