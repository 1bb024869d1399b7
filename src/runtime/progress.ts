import type { PartitionProgress } from '../engine/store.ts';
import type { DataDirectory } from './data-directory.ts';

/**
 * What waits for each destination, partitions opened just now included. Asked of the destinations each time: one that is
 * paused, or whose circuit is open, was not yet asked whether it takes a new partition, and would seem to wait for nothing.
 */
export async function currentProgress({
  engine,
  destinations,
}: Pick<DataDirectory, 'engine' | 'destinations'>): Promise<PartitionProgress[]> {
  for (const { destination } of destinations)
    await engine.backlog(destination.id, (partition) => destination.accepts(partition.stream, partition.header));
  return engine.progress();
}
