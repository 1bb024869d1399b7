import type { Stamp } from '../clock/stamp.ts';
import { checkId, checkShortText, invalid } from '../fields.ts';
import { MEMORY_LIMITS } from '../limits.ts';
import { textStampOf } from '../store/memory-columns.ts';
import { requireMemory, write, type WriteScope } from './scope.ts';
import { stateOf } from './update-memory.ts';

/** False: the text has changed since, so the vector says nothing about it (D22). */
export function embedMemory(
  scope: WriteScope,
  id: string,
  { model, vector, text }: { model: string; vector: Float32Array; text: Stamp },
): { stored: boolean } {
  const memory = requireMemory(scope, checkId('id', id));
  if (vector.length === 0 || vector.length > MEMORY_LIMITS.embedding_dimensions || !vector.every(Number.isFinite))
    throw invalid('vector', `has not 1 to ${MEMORY_LIMITS.embedding_dimensions} finite numbers`);
  if (textStampOf(stateOf(scope, id)) !== text) return { stored: false };
  const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
  write(scope, {
    kind: 'embedding',
    id,
    life: memory.life,
    embedding: { model: checkShortText('model', model, 128), vector: bytes.toString('base64'), text },
  });
  return { stored: true };
}
