/** The listening half: one request in, one reply out, and the faults that only a connection can have. */
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { UnreachableError, messageOf } from '../../../platform/errors.ts';
import type { ApiReply } from './exchange.ts';

export interface TlsPair {
  /** PEM. */
  cert: string;
  key: string;
}

/** Answers a request; null breaks the connection off instead. */
export type Answer = (incoming: IncomingMessage) => Promise<ApiReply | null>;

export interface Listening {
  port: number;
  close(): Promise<void>;
}

/** Loopback, always (product.md §2). */
export const HOST = '127.0.0.1';

/** URI and headers together; beyond it 431 (records.md §12.1). */
const MAX_HEADER_BYTES = 16_384;

/** @throws UnreachableError `sandbox.port` */
export async function listen(port: number, tls: TlsPair | undefined, answer: Answer): Promise<Listening> {
  const handle = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    // A reply that cannot be written must not leave its caller waiting.
    respond(incoming, outgoing, answer).catch(() => incoming.socket.destroy());
  };
  const options = { maxHeaderSize: MAX_HEADER_BYTES };
  const server: Server = tls ? createHttpsServer({ ...options, ...tls }, handle) : createHttpServer(options, handle);
  await bind(server, port);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bind(server: Server, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, HOST, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (cause) {
    throw new UnreachableError('sandbox.port', `The sandbox cannot listen on port ${port}: ${messageOf(cause)}`, {
      hint: 'Choose another with --port.',
      cause,
    });
  }
}

async function respond(incoming: IncomingMessage, outgoing: ServerResponse, answer: Answer): Promise<void> {
  let reply: ApiReply | null;
  try {
    reply = await answer(incoming);
  } catch (error) {
    // A defect of the sandbox shows itself as one of the platform's own: 500 with the text of it.
    reply = { status: 500, json: [{ errorCode: 'UNKNOWN_EXCEPTION', message: messageOf(error) }] };
  }
  if (reply === null) {
    incoming.socket.destroy();
    return;
  }
  const body = bodyOf(reply);
  const type = reply.content?.type ?? 'application/json;charset=UTF-8';
  outgoing.writeHead(reply.status, {
    ...(body === null ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
    ...reply.headers,
  });
  outgoing.end(body ?? undefined);
}

function bodyOf({ content, json }: ApiReply): string | Buffer | null {
  if (content) return content.data;
  return json === undefined ? null : JSON.stringify(json);
}
