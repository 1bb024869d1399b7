import type { PartitionHeader } from './ordered/destination.ts';

/** How the entries of a stream are consumed: one by one in order, or as "this key changed" (design §3). */
export type DeliveryKind = 'ordered' | 'keyed';

export interface PartitionSpec {
  stream: string;
  name: string;
  header: PartitionHeader;
  /** `ordered` when not given; the same for all of a stream. */
  delivery?: DeliveryKind;
  /** Name of the partition that must be drained first, so that order holds across versions. Ordered only. */
  predecessor?: string;
}

export interface Partition {
  partition_id: number;
  stream: string;
  name: string;
  header: PartitionHeader;
  delivery: DeliveryKind;
  first_offset: number;
  last_offset: number;
  bytes: number;
}
