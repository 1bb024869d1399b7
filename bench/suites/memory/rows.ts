import { seededRandom } from '../../../src/platform/random.ts';
import type { StoreRequest } from '../../../src/memory/memories.ts';
import { Draw } from '../telemetry/words.ts';

/** As in suite `telemetry`'s rows. */
const CONTENT_CHARS = 550;
const DIFFERENT = 5_000;

/** Draws memories of about 0.6 KB, each with a title of its own. */
export function memoryRows(): (number: number) => StoreRequest {
  const draw = new Draw(seededRandom(1));
  const texts = Array.from({ length: DIFFERENT }, () => draw.prose(CONTENT_CHARS));
  return (number) => ({
    title: `Note ${number}`,
    content: texts[number % DIFFERENT] ?? '',
    namespace: `team/project-${number % 40}`,
    tags: ['note', `area-${number % 10}`],
  });
}

/** What a writer hands over, in bytes. */
export function payloadBytes(row: StoreRequest): number {
  return Buffer.byteLength(JSON.stringify(row));
}
