/** Bits of `entry_id` that hold the offset; the rest is the partition. See the comment of the table `entry`. */
export const OFFSET_BITS = 40;
