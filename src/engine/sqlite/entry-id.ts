/** Bits of `entry_id` that hold the offset; the rest is the partition. See the comment of the table `entry`. */
export const OFFSET_BITS = 40;

/** The key of an entry's row. Beyond partition 8,191 it is no safe number any more. */
export function entryId(partition_id: number, offset: number): number | bigint {
  const entry_id = partition_id * 2 ** OFFSET_BITS + offset;
  return Number.isSafeInteger(entry_id) ? entry_id : (BigInt(partition_id) << BigInt(OFFSET_BITS)) | BigInt(offset);
}
