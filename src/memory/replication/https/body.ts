/** Bodies between members: text, gzip from a size on, bounded on both sides while they stream. */
import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { WIRE_LIMITS } from '../limits.ts';
import { wrong } from '../frame.ts';
import type { PreparedMessage } from '../transport.ts';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** Below it the compression costs more time than the network does. */
const GZIP_FROM_BYTES = 16 * 1024;
/** Operations shrink to a quarter at the lowest level; level 4 takes twice the time for a tenth less. */
const GZIP_LEVEL = 1;
/** Of what is decompressed at once, most and least: most messages take one turn of the thread. */
const CHUNK_BYTES = { most: 256 * 1024, least: 16 * 1024 };
/** Operations shrink to a quarter. A chunk for a small message that is as large as one for a large one takes longer to get than to fill. */
const GROWS_BY = 6;

/** The body as it is sent. Compressed off the event loop. */
export async function encodeBody(text: string, may_compress = true): Promise<PreparedMessage> {
  const bytes = Buffer.from(text);
  if (!may_compress || bytes.length < GZIP_FROM_BYTES) return { bytes, headers: { 'content-type': MEDIA_TYPE } };
  return {
    bytes: await compress(bytes, { level: GZIP_LEVEL }),
    headers: { 'content-type': MEDIA_TYPE, 'content-encoding': 'gzip' },
  };
}

export const MEDIA_TYPE = 'application/x-ndjson';

/**
 * Reads and decompresses, holding at no time more than two messages may have.
 * @throws InvalidInputError `memory.message`
 */
export async function decodeBody(incoming: Readable, encoding: string | undefined): Promise<string> {
  if (encoding !== undefined && encoding !== 'gzip' && encoding !== 'identity')
    throw wrong('content-encoding', 'is neither gzip nor identity');
  const sent = await readAll(incoming);
  const body = encoding === 'gzip' ? await decompressed(sent) : sent;
  if (!isUtf8(body)) throw wrong('message', 'is not UTF-8');
  return body.toString('utf8');
}

async function readAll(incoming: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Not `for await`: most messages are one chunk, and its iterator costs more than all else that is done with them.
  await new Promise<void>((resolve, reject) => {
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > WIRE_LIMITS.max_message_bytes) incoming.destroy(wrong('message', 'is too large'));
      else chunks.push(chunk);
    });
    incoming.once('end', resolve);
    incoming.once('error', reject);
    incoming.once('close', () => {
      if (!incoming.readableEnded) reject(wrong('message', 'ended before it was complete'));
    });
  });
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}

/** Off the event loop. */
async function decompressed(bytes: Buffer): Promise<Buffer> {
  try {
    const chunkSize = Math.min(CHUNK_BYTES.most, Math.max(CHUNK_BYTES.least, bytes.length * GROWS_BY));
    return await decompress(bytes, { maxOutputLength: WIRE_LIMITS.max_message_bytes, chunkSize });
  } catch (error) {
    const { code } = error as { code?: unknown };
    throw wrong('message', code === 'ERR_BUFFER_TOO_LARGE' ? 'is too large' : 'is not gzip');
  }
}
