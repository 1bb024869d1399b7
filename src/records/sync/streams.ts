import type { Partition } from '../../engine/partition.ts';
import type { EngineStore } from '../../engine/store.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import { streamOf } from './mapping-states.ts';

/** Where entries of an object go: one partition for each side, whatever their sources. */
export interface RecordStream {
  readonly stream: string;
  readonly salesforce: Partition;
  readonly postgres: Partition;
}

/** Makes the stream of an object known to the engine, with the pair as its one destination. Twice is the same as once. */
export async function openStream(store: EngineStore, mapping: ObjectMapping, now_ms: number): Promise<RecordStream> {
  const stream = streamOf(mapping);
  const open = (name: string): Promise<Partition> =>
    store.openPartition({ stream, name, header: {}, delivery: 'keyed' });
  const salesforce = await open('salesforce');
  const postgres = await open('postgres');
  await store.configureDestination(
    { destination_id: stream, stream, delivery: 'keyed', required: true, start: 'earliest' },
    now_ms,
  );
  return { stream, salesforce, postgres };
}
