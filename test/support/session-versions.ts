import { callMessage, headOf, keyOf, message, wholePut } from '../../src/sessions/store/contract/scene.ts';
import type { TranscriptPut } from '../../src/sessions/store/transcript.ts';

const NAME = 'versions';
export const SESSION_KEY = keyOf(NAME);

/** A session as it is for the n-th time: another number of messages, and every one of them says which version it is. */
export function versionOf(n: number): TranscriptPut {
  const count = 1 + ((n * 37) % 200);
  const messages = Array.from({ length: count }, (_, i) =>
    i % 2 === 0 ? message(i, `version${n} message ${i}`) : callMessage(i, { result: `version${n} output ${i}` }),
  );
  const put = wholePut(headOf(NAME, { title: `version${n}`, message_count: count }), messages);
  return { ...put, fingerprint: String(n).padStart(16, '0') };
}

/** The version that has this fingerprint; 0: none yet. */
export function versionNamed(fingerprint: string | null): number {
  return Number(fingerprint ?? 0);
}
