import { SEGMENT_ORDINALS } from '../../agents/conversation.ts';
import { InvalidInputError } from '../../platform/errors.ts';
import type { SegmentHash, TranscriptPut } from './transcript.ts';

/**
 * Refuses a put that contradicts itself, before anything of it is written.
 * @throws InvalidInputError `sessions.put`
 */
export function checkPut(put: TranscriptPut, max_ordinal: number): void {
  if (put.key !== put.head.key) throw contradiction('head.key', 'The head is of another session');
  const listed = new Set(put.segment_hashes.map(([index]) => index));
  if (listed.size < put.segment_hashes.length) throw contradiction('segment_hashes', 'A segment is listed twice');
  const sent = new Set<number>();
  for (const { index, messages } of put.segments) {
    if (!listed.has(index)) throw contradiction('segments', 'A segment is sent that is not listed');
    if (sent.has(index)) throw contradiction('segments', 'A segment is sent twice');
    sent.add(index);
    let before = index * SEGMENT_ORDINALS - 1;
    for (const { ordinal } of messages) {
      const fits = Number.isInteger(ordinal) && ordinal > before && ordinal < (index + 1) * SEGMENT_ORDINALS;
      if (!fits || ordinal > max_ordinal)
        throw contradiction('segments', 'Messages of a segment have ascending ordinals within it');
      before = ordinal;
    }
  }
}

/** True when every listed segment is sent, or stored with the listed hash. */
export function isComplete(put: TranscriptPut, stored: readonly SegmentHash[]): boolean {
  const there = new Map(stored);
  const sent = new Set(put.segments.map(({ index }) => index));
  return put.segment_hashes.every(([index, hash]) => sent.has(index) || there.get(index) === hash);
}

function contradiction(field: string, message: string): InvalidInputError {
  return new InvalidInputError('sessions.put', message, { field });
}
