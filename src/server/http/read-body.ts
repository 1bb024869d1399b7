import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { PassThrough, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { messageOf } from '../../platform/errors.ts';
import type { ServerLimits } from '../limits.ts';
import type { Reservation } from './in-flight.ts';
import { Refusal } from './refusal.ts';

/** The encodings a body may have, as `/v1/config` says them. */
export const ENCODINGS = ['gzip', 'zstd', 'identity'] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** A zstd frame may ask its reader for a window of gigabytes; 8 MiB is what every encoder level up to 19 needs. */
const ZSTD_WINDOW_LOG_MAX = 23;

export type BodyLimits = Pick<ServerLimits, 'max_encoded_body_bytes' | 'max_body_bytes' | 'max_items'>;

/**
 * Reads and decompresses a request's body, holding at no time more than the limits allow: both sides are counted while
 * they stream, so a decompression bomb is refused after `max_body_bytes` of output whatever it would become.
 * @throws Refusal 400 `encoding`, 413 `too_large`, 415 `content_encoding`, 503 `busy`
 */
export async function readBody(
  incoming: IncomingMessage,
  limits: BodyLimits,
  reservation: Reservation,
): Promise<Buffer> {
  const encoding = encodingOf(incoming);
  if (Number(incoming.headers['content-length'] ?? 0) > limits.max_encoded_body_bytes)
    throw tooLarge('max_encoded_body_bytes', limits);
  const chunks: Buffer[] = [];
  try {
    await pipeline(encodedChunks(incoming, limits), decoder(encoding), async (decoded: AsyncIterable<Buffer>) => {
      let bytes = 0;
      for await (const chunk of decoded) {
        bytes += chunk.length;
        if (bytes > limits.max_body_bytes) throw tooLarge('max_body_bytes', limits);
        reservation.take(chunk.length);
        chunks.push(chunk);
      }
    });
  } catch (error) {
    throw asRefusal(error, encoding);
  }
  const body = Buffer.concat(chunks);
  if (!isUtf8(body)) throw new Refusal(400, 'encoding', 'The body is not valid UTF-8');
  return body;
}

/**
 * The request is read through an iterator that leaves it alive, as a pipeline would destroy it when a limit is passed:
 * the HTTP server then drains what is still being sent, for a bounded time, and the client gets to read its refusal.
 */
async function* encodedChunks(incoming: IncomingMessage, limits: BodyLimits): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limits.max_encoded_body_bytes) throw tooLarge('max_encoded_body_bytes', limits);
    yield chunk;
  }
}

function encodingOf(incoming: IncomingMessage): Encoding {
  const named = (incoming.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const encoding = ENCODINGS.find((known) => known === named);
  if (encoding === undefined)
    throw new Refusal(415, 'content_encoding', `The body's encoding is none of ${ENCODINGS.join(', ')}`, {
      field: 'Content-Encoding',
      headers: { 'accept-encoding': ENCODINGS.join(', ') },
    });
  return encoding;
}

function decoder(encoding: Encoding): Transform {
  if (encoding === 'gzip') return createGunzip();
  if (encoding === 'zstd')
    return createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } });
  return new PassThrough();
}

function asRefusal(error: unknown, encoding: Encoding): Error {
  if (error instanceof Refusal) return error;
  const { code } = error as { code?: string };
  // zlib's own codes begin so; anything else is the connection that broke, and nobody is left to answer.
  if (code?.startsWith('Z_') || code?.startsWith('ZSTD_'))
    return new Refusal(400, 'encoding', `The body is not valid ${encoding}`, {
      field: 'Content-Encoding',
      cause: error,
    });
  return new Refusal(400, 'aborted', `The body did not arrive whole: ${code ?? messageOf(error)}`, { cause: error });
}

/** 413 always says what is taken, so that the sender can split without guessing. */
export function tooLarge(limit: keyof BodyLimits, limits: BodyLimits): Refusal {
  return new Refusal(413, 'too_large', `The body exceeds ${limit} = ${limits[limit]}`, {
    more: { limit, limits: { max_items: limits.max_items, max_body_bytes: limits.max_body_bytes } },
  });
}
