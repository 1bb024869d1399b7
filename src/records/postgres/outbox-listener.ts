/** Hears that others wrote. A hint only: whoever reads the outbox also looks by itself from time to time. */
import pg from 'pg';
import type { Timers } from '../../platform/timers.ts';
import { postgresAddress } from '../../storage/postgres/address.ts';
import { OUTBOX_CHANNEL } from './setup-sql.ts';

export interface OutboxListenerOptions {
  /** See `postgresAddress`. A connection of its own: a pooler in transaction mode passes no notifications on. */
  readonly url: string;
  readonly timers: Timers;
  /** Called for each notification, and after each time it connected, because some may have been missed. */
  readonly onHint: () => void;
  /** Between two attempts to connect. Default 5,000. */
  readonly retry_ms?: number;
}

/** Listens until `signal` aborts; connects again when the connection is lost. Never throws: without hints all goes on, later. */
export async function listenToOutbox(options: OutboxListenerOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await listenOnce(options, signal).catch(() => undefined);
    await options.timers.sleep(options.retry_ms ?? 5000, signal);
  }
}

async function listenOnce({ url, onHint }: OutboxListenerOptions, signal: AbortSignal): Promise<void> {
  const { connection_string, tls } = postgresAddress(url);
  const client = new pg.Client({
    connectionString: connection_string,
    ssl: tls,
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
    application_name: 'syncline listener',
  });
  const ended = new Promise<void>((resolve) => {
    client.on('end', () => resolve());
    client.on('error', () => resolve());
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  client.on('notification', onHint);
  try {
    await client.connect();
    await client.query(`LISTEN ${OUTBOX_CHANNEL}`);
    onHint();
    await ended;
  } finally {
    await client.end().catch(() => undefined);
  }
}
