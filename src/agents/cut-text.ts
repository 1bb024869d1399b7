/** Longer texts of a conversation are cut and counted; 1 MiB is far beyond what a person reads (design §5 rule 12). */
export const MAX_TEXT_BYTES = 1024 * 1024;

export interface CutText {
  text: string;
  /** UTF-8 bytes that are missing; 0 = whole. */
  cut_bytes: number;
}

/**
 * The first `max_bytes` bytes of a text, ending before the character that the limit falls into. Half surrogate pairs
 * become U+FFFD, since no store takes them. Holds nothing of the text it was cut from.
 */
export function cutText(text: string, max_bytes: number = MAX_TEXT_BYTES): CutText {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  // No character of a string takes more than three bytes.
  if (whole.length * 3 <= max_bytes || Buffer.byteLength(whole) <= max_bytes) return { text: whole, cut_bytes: 0 };
  const bytes = Buffer.from(whole);
  let end = max_bytes;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  // Decoded anew: a slice would keep the whole text in memory.
  return { text: bytes.toString('utf8', 0, end), cut_bytes: bytes.length - end };
}
