/** Bodies between members: text, gzip from a size on, bounded on both sides while they stream. */
import { isUtf8 } from 'node:buffer';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip, gzip } from 'node:zlib';
import { WIRE_LIMITS } from '../limits.ts';
import { wrong } from '../frame.ts';

const compress = promisify(gzip);

/** Below it the compression costs more time than the network does. */
const GZIP_FROM_BYTES = 16 * 1024;
const GZIP_LEVEL = 4;

export interface EncodedBody {
  bytes: Buffer;
  headers: Record<string, string>;
}

/** The body as it is sent. Compressed off the event loop. */
export async function encodeBody(text: string, may_compress = true): Promise<EncodedBody> {
  const bytes = Buffer.from(text);
  if (!may_compress || bytes.length < GZIP_FROM_BYTES) return { bytes, headers: { 'content-type': MEDIA_TYPE } };
  return {
    bytes: await compress(bytes, { level: GZIP_LEVEL }),
    headers: { 'content-type': MEDIA_TYPE, 'content-encoding': 'gzip' },
  };
}

export const MEDIA_TYPE = 'application/x-ndjson';

/**
 * Reads and decompresses, holding at no time more than a message may have.
 * @throws InvalidInputError `memory.message`
 */
export async function decodeBody(incoming: Readable, encoding: string | undefined): Promise<string> {
  if (encoding !== undefined && encoding !== 'gzip' && encoding !== 'identity')
    throw wrong('content-encoding', 'is neither gzip nor identity');
  const chunks: Buffer[] = [];
  let bytes = 0;
  await pipeline(
    incoming,
    encoding === 'gzip' ? createGunzip() : new PassThrough(),
    async (decoded: AsyncIterable<Buffer>) => {
      for await (const chunk of decoded) {
        bytes += chunk.length;
        if (bytes > WIRE_LIMITS.max_message_bytes) throw wrong('message', 'is too large');
        chunks.push(chunk);
      }
    },
  );
  const body = Buffer.concat(chunks);
  if (!isUtf8(body)) throw wrong('message', 'is not UTF-8');
  return body.toString('utf8');
}
