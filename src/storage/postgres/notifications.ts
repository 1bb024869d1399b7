import pg from 'pg';
import type { Timers } from '../../platform/timers.ts';
import { postgresAddress } from './address.ts';

export interface ListenOptions {
  /** See `postgresAddress`. A connection of its own: a pooler in transaction mode passes no notifications on. */
  readonly url: string;
  readonly channel: string;
  readonly timers: Timers;
  /** Called for each notification, and after each time it connected, because some may have been missed. */
  readonly onHint: () => void;
  /** Between two attempts to connect. Default 5,000. */
  readonly retry_ms?: number;
}

/**
 * Listens to a channel until `signal` aborts; connects again when the connection is lost. Never throws: a notification is a
 * hint, without which all goes on, later.
 */
export async function listenToChannel(options: ListenOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await listenOnce(options, signal).catch(() => undefined);
    await options.timers.sleep(options.retry_ms ?? 5000, signal);
  }
}

async function listenOnce({ url, channel, onHint }: ListenOptions, signal: AbortSignal): Promise<void> {
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
    await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
    onHint();
    await ended;
  } finally {
    await client.end().catch(() => undefined);
  }
}
