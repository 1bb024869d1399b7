/** Every bound of the wire between members, with its unit. Nothing that another member sends grows without one of these. */
import { MAX_OPERATION_BYTES, PAGE_LIMITS } from '../limits.ts';

/** The version of the native dialect. A member that speaks another is refused with both numbers. */
export const DIALECT = 1;

export const WIRE_LIMITS = {
  /** Operations, or rows of a snapshot, in one message; all pages of it together. */
  max_items: PAGE_LIMITS.max_items,
  /** What is taken: a page of a snapshot has a few more, as rows of one place stay together. */
  max_texts: 2 * PAGE_LIMITS.max_items,
  /** Of their texts together. One text is sent even if it is larger. */
  max_item_bytes: PAGE_LIMITS.max_bytes,
  /** Of the first line of a message, which holds everything but texts. */
  max_head_bytes: 512 * 1024,
  /** Of a whole message once it is decompressed: head and one page, with one text that was larger than its page. */
  max_message_bytes: 512 * 1024 + PAGE_LIMITS.max_bytes + MAX_OPERATION_BYTES + PAGE_LIMITS.max_items,
  /** Origins of a vector. Members × restores, so this is far away; beyond it somebody invents them. */
  max_origins: 4096,
  /** Ranges that one message asks for. */
  max_ranges: 64,
  /** Rows that one message names: asked for, repaired. */
  max_rows: 500,
  /** Longest that a pull may wait for something new. */
  max_wait_ms: 55_000,
  /** Of a name of a device, of a program's version. */
  max_name_chars: 128,
} as const;
