import type { IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import { apiRequest, type ApiRequest } from './exchange.ts';

/** What is taken of one body: bulk uploads are the longest, 150 MB after encoding (records.md §12.7). */
const MAX_BODY_BYTES = 160_000_000;

/** The whole request; null when the client went away or sent more than is taken. */
export async function readRequest(incoming: IncomingMessage): Promise<ApiRequest | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    const zipped = incoming.headers['content-encoding'] === 'gzip';
    for await (const chunk of (zipped ? incoming.compose(createGunzip()) : incoming) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) return null;
      chunks.push(chunk);
    }
  } catch {
    // The client went away, or sent what is no gzip: there is nobody to answer.
    return null;
  }
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
  const method = headers['x-http-method-override'] ?? incoming.method ?? 'GET';
  return apiRequest(method.toUpperCase(), incoming.url ?? '/', headers, Buffer.concat(chunks));
}
