/**
 * The peers' listener: mTLS, the sync verbs of paired members and, while an invitation is open, pairing. Nothing else is
 * served here, and nobody else gets further than a refusal.
 */
import { constants } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import {
  ForbiddenError,
  InvalidInputError,
  SynclineError,
  UnreachableError,
  messageOf,
} from '../../../platform/errors.ts';
import { linkedAbort } from '../../../platform/linked-abort.ts';
import type { Timers } from '../../../platform/timers.ts';
import type { MemberId } from '../../origin.ts';
import { VERBS, type Verb } from '../messages.ts';
import { fingerprintAt, type MemberCertificate } from '../pairing/member-key.ts';
import { decodeBody, encodeBody } from './body.ts';
import { PAIR_PATH, SYNC_PATH } from './client.ts';

/** Requests of one member that are answered at once: a push, a pull, a greeting, a repair, and as many that linger. */
const MOST_AT_ONCE = 16;
const STOP_MS = 5000;

export interface PeerListenerOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  own: MemberCertificate;
  timers: Timers;
  /** The paired member with this key, as the book says now. */
  memberOf(fingerprint: string): MemberId | null;
  answer(member: MemberId, verb: Verb, body: string, signal: AbortSignal): Promise<string>;
  /** Answers somebody who holds a link; throws for everybody else. */
  pair(fingerprint: string, body: string): Promise<object>;
  /** Told of defects, never of refusals. */
  onDefect(error: unknown): void;
}

export interface PeerListener {
  port: number;
  /** Aborts what is being answered and closes every connection. */
  stop(): Promise<void>;
}

/** @throws UnreachableError `listen.port_taken`, `listen.failed` */
export async function startPeerListener(options: PeerListenerOptions): Promise<PeerListener> {
  const stopping = new AbortController();
  const at_once = new Map<string, number>();
  const server = createServer(
    {
      key: options.own.private_key,
      cert: options.own.certificate,
      requestCert: true,
      // No authority signs members' certificates: their keys are pinned, below.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
      // A resumed session shows no certificate.
      secureOptions: constants.SSL_OP_NO_TICKET,
      maxHeaderSize: 8 * 1024,
      requestTimeout: 60_000,
      headersTimeout: 20_000,
      keepAliveTimeout: 65_000,
    },
    (incoming, outgoing) => void respond(options, at_once, incoming, outgoing, stopping.signal),
  );
  server.maxConnections = 1024;
  const port = await bind(server, options);
  return {
    port,
    stop: async () => {
      stopping.abort('stopping');
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await Promise.race([closed, options.timers.sleep(STOP_MS)]);
      server.closeAllConnections();
      await closed;
    },
  };
}

async function bind(server: Server, { host, port }: PeerListenerOptions): Promise<number> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => resolve());
    });
  } catch (cause) {
    if ((cause as { code?: string }).code === 'EADDRINUSE')
      throw new UnreachableError('listen.port_taken', `Port ${port} for memory peers is taken by another program`, {
        hint: 'Choose another with memory.listen.',
        cause,
      });
    throw new UnreachableError(
      'listen.failed',
      `Cannot listen for memory peers on ${host}:${port}: ${messageOf(cause)}`,
      {
        cause,
      },
    );
  }
  return (server.address() as AddressInfo).port;
}

async function respond(
  options: PeerListenerOptions,
  at_once: Map<string, number>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  stopping: AbortSignal,
): Promise<void> {
  const fingerprint = fingerprintAt(incoming.socket as TLSSocket);
  if (fingerprint === null) return void incoming.socket.destroy();
  const gone = linkedAbort(stopping);
  outgoing.on('close', () => gone.abort('gone'));
  const running = at_once.get(fingerprint) ?? 0;
  at_once.set(fingerprint, running + 1);
  try {
    if (running >= MOST_AT_ONCE) return await refuse(outgoing, 503, 'busy', 'Too many requests at once');
    await route(options, fingerprint, incoming, outgoing, gone.signal);
  } catch (error) {
    await fail(options, outgoing, error);
  } finally {
    gone.unlink();
    const left = (at_once.get(fingerprint) ?? 1) - 1;
    if (left > 0) at_once.set(fingerprint, left);
    else at_once.delete(fingerprint);
  }
}

async function route(
  options: PeerListenerOptions,
  fingerprint: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const { url = '', method } = incoming;
  if (method === 'POST' && url === PAIR_PATH) {
    const paired = await options.pair(fingerprint, await decodeBody(incoming, incoming.headers['content-encoding']));
    return send(outgoing, 200, JSON.stringify(paired));
  }
  const member = options.memberOf(fingerprint);
  if (member === null) throw new ForbiddenError('memory.not_paired', 'This member does not know you');
  const verb = VERBS.find((known) => url === `${SYNC_PATH}${known}`);
  if (method !== 'POST' || verb === undefined) return refuse(outgoing, 404, 'not_found', 'Only members sync here');
  const body = await decodeBody(incoming, incoming.headers['content-encoding']);
  const answer = await options.answer(member, verb, body, signal);
  const compress = String(incoming.headers['accept-encoding'] ?? '').includes('gzip');
  await send(outgoing, 200, answer, compress);
}

async function fail(options: PeerListenerOptions, outgoing: ServerResponse, error: unknown): Promise<void> {
  if (outgoing.destroyed || outgoing.headersSent) return;
  if (error instanceof ForbiddenError) return refuse(outgoing, 403, error.code, error.message);
  if (error instanceof SynclineError && error.code === 'memory.paused')
    return refuse(outgoing, 503, error.code, error.message, { 'retry-after': '15' });
  if (error instanceof InvalidInputError) return refuse(outgoing, 400, error.code, error.message);
  if (error instanceof SynclineError && error.code === 'memory.dialect')
    return refuse(outgoing, 426, error.code, error.message);
  if (error instanceof SynclineError && error.code === 'full') return refuse(outgoing, 507, error.code, error.message);
  options.onDefect(error);
  await refuse(outgoing, 500, 'defect', 'The member failed to answer');
}

function refuse(
  outgoing: ServerResponse,
  status: number,
  code: string,
  message: string,
  more: Record<string, string> = {},
): Promise<void> {
  return send(outgoing, status, JSON.stringify({ code, message }), false, more);
}

async function send(
  outgoing: ServerResponse,
  status: number,
  text: string,
  compress = false,
  more: Record<string, string> = {},
): Promise<void> {
  const { bytes, headers } = await encodeBody(text, compress);
  outgoing.writeHead(status, { ...headers, ...more, 'content-length': bytes.length });
  outgoing.end(bytes);
}
