import type { ConversationSegment } from '../../agents/conversation.ts';
import type { Hashing } from '../../redaction/hash-forms.ts';
import type { Tally } from '../../redaction/report.ts';
import { maskSegment } from '../masking/mask-message.ts';
import type { Masker } from '../masking/masker.ts';
import type { Difference } from './difference.ts';
import type { Hold } from './hold.ts';
import { maskedHash, rawHash, segmentText } from './segment-hash.ts';
import type { LinkedSegment } from './session-link.ts';
import type { Figures } from './transcript-head.ts';

export interface PassLimits {
  /** Most bytes of the masked segments of one put, as JSON; a single larger segment goes alone. */
  put_bytes: number;
  /** Most segments of one put. */
  put_segments: number;
}

export interface PassParts {
  hashing: Hashing;
  /** Keys the raw hashes. */
  secret: Uint8Array;
  masker: Masker;
  hold: Hold;
  difference: Difference;
  figures: Figures;
  limits: PassLimits;
}

/**
 * One going through a conversation, segment by segment: what is unchanged is only hashed, what changed is masked, and
 * what the store has otherwise is kept for one put. Holds one put and one segment at most (P9).
 */
export class UploadPass {
  readonly #parts: PassParts;
  /** Every segment that was shown, as it is linked now. */
  readonly seen: LinkedSegment[] = [];
  /** What the put carries. */
  readonly segments: ConversationSegment[] = [];
  readonly sent: LinkedSegment[] = [];
  bytes = 0;
  /** Where the next pass goes on; null: everything that may leave was gone through. */
  next_index: number | null = null;

  constructor(parts: PassParts) {
    this.#parts = parts;
  }

  /** Takes the next segment. False: this put has enough, or nothing after it may leave yet. */
  visit(raw_segment: ConversationSegment): boolean {
    const { hashing, secret, hold, difference, figures } = this.#parts;
    const shown = hold.shown(raw_segment);
    if (shown === null) return false;
    const { index } = shown;
    const raw = rawHash(hashing, secret, segmentText(shown));
    const unchanged = difference.unchanged(index, raw);
    if (!unchanged && !this.#mask(shown, raw)) {
      this.next_index = index;
      return false;
    }
    if (unchanged) this.seen.push(unchanged);
    figures.add(shown);
    return hold.held_until_ms === null;
  }

  /** False: it must be sent, and does not fit into this put. */
  #mask(shown: ConversationSegment, raw: string): boolean {
    const { hashing, masker, difference, limits } = this.#parts;
    if (this.segments.length >= limits.put_segments) return false;
    const tally: Tally = new Map();
    const masked = maskSegment(masker, shown, tally);
    const text = segmentText(masked);
    const linked = {
      index: shown.index,
      raw,
      masked: maskedHash(hashing, text),
      redactions: Object.fromEntries(tally),
    };
    if (difference.masked(linked)) {
      const bytes = Buffer.byteLength(text);
      if (this.segments.length > 0 && this.bytes + bytes > limits.put_bytes) return false;
      this.segments.push(masked);
      this.sent.push(linked);
      this.bytes += bytes;
    }
    this.seen.push(linked);
    return true;
  }
}
