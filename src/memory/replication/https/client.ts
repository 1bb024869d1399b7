/** Requests to a member over mTLS: both sides show a certificate, and each pins the other's key. */
import { Pool, buildConnector } from 'undici';
import type { TLSSocket } from 'node:tls';
import { unanswered } from '../../../engine/http/transport-error.ts';
import { SynclineError, messageOf } from '../../../platform/errors.ts';
import { fingerprintAt, type MemberCertificate } from '../pairing/member-key.ts';
import type { Verb } from '../messages.ts';
import type { Answer, PeerTransport, PreparedMessage } from '../transport.ts';
import { decodeBody, encodeBody } from './body.ts';

export const SYNC_PATH = '/api/v1/repl/';
export const PAIR_PATH = `${SYNC_PATH}pair`;

export interface ClientOptions {
  /** `https://host:port`. */
  url: string;
  /** Of the member's key. */
  fingerprint: string;
  own: MemberCertificate;
  connect_timeout_ms?: number;
}

/** Somebody else answers at the member's address. */
class PinError extends Error {
  readonly code = 'ERR_TLS_PIN';
}

/**
 * Connections to one member. The certificate's chain, name and dates mean nothing here, so they are not checked; the key
 * is, before the first byte of a request is written.
 */
export function memberPool({ url, fingerprint, own, connect_timeout_ms = 5000 }: ClientOptions): Pool {
  const connect = buildConnector({
    key: own.private_key,
    cert: own.certificate,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.3',
    // A resumed session shows no certificate.
    maxCachedSessions: 0,
    timeout: connect_timeout_ms,
  });
  return new Pool(new URL(url).origin, {
    // One push, one pull, a greeting, and room for a read.
    connections: 4,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: (options, callback) => {
      connect(options, (...connected) => {
        const [error, socket] = connected;
        if (error) return callback(error, null);
        if (fingerprintAt(socket as TLSSocket) === fingerprint) return callback(null, socket);
        socket?.destroy();
        callback(new PinError('another key'), null);
      });
    },
  });
}

export function httpsTransport(options: ClientOptions): PeerTransport & { close(): Promise<void> } {
  const pool = memberPool(options);
  return {
    prepare: (body) => encodeBody(body),
    ask: async (verb: Verb, body: string | PreparedMessage, signal: AbortSignal): Promise<Answer> => {
      try {
        return await ask(pool, verb, body, signal);
      } catch (error) {
        if (error instanceof SynclineError)
          return { ok: false, kind: 'refused', code: error.code, message: messageOf(error) };
        if (isPinError(error))
          return {
            ok: false,
            kind: 'unreached',
            message: 'another machine answers at this address, or its key changed',
          };
        return { ok: false, kind: 'unreached', message: unanswered(error, signal.aborted).message };
      }
    },
    close: () => pool.destroy(),
  };
}

async function ask(pool: Pool, verb: Verb, message: string | PreparedMessage, signal: AbortSignal): Promise<Answer> {
  const { bytes, headers } = typeof message === 'string' ? await encodeBody(message) : message;
  const response = await pool.request({
    method: 'POST',
    path: `${SYNC_PATH}${verb}`,
    body: bytes,
    headers: { ...headers, 'accept-encoding': 'gzip' },
    signal,
  });
  const encoding = response.headers['content-encoding'];
  const body = await decodeBody(response.body, typeof encoding === 'string' ? encoding : undefined);
  if (response.statusCode === 200) return { ok: true, body };
  return refusal(response.statusCode, body, response.headers['retry-after']);
}

/** 429 and 5xx pass; everything else that is not 200 does not pass by itself. */
function refusal(status: number, body: string, retry_after: unknown): Answer {
  const { code, message } = said(body);
  if (status !== 429 && status < 500)
    return {
      ok: false,
      kind: 'refused',
      code: code ?? 'memory.refused',
      message: message ?? `the peer answered ${status}`,
    };
  const seconds = typeof retry_after === 'string' && /^\d{1,6}$/.test(retry_after) ? Number(retry_after) : 0;
  return {
    ok: false,
    kind: 'unreached',
    message: message ?? `the peer answered ${status}`,
    retry_after_ms: seconds * 1000,
  };
}

/** Words of another machine: cut, and without control characters. */
function said(body: string): { code?: string; message?: string } {
  try {
    const { code, message } = JSON.parse(body) as Record<string, unknown>;
    return {
      ...(typeof code === 'string' && /^[a-z_.]{1,64}$/.test(code) ? { code } : {}),
      ...(typeof message === 'string' ? { message: message.replace(/[\p{Cc}\p{Cf}]/gu, ' ').slice(0, 300) } : {}),
    };
  } catch {
    // A proxy's page: the status says all that counts.
    return {};
  }
}

function isPinError(error: unknown): boolean {
  for (let depth = 0, current = error; depth < 5 && current instanceof Error; depth++) {
    if (current instanceof PinError) return true;
    current = current.cause;
  }
  return false;
}
