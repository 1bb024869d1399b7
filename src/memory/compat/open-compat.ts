import type { Hono } from 'hono';
import type { Clock } from '../../platform/clock.ts';
import type { Redactor } from '../../redaction/redactor.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { migrate } from '../../storage/sqlite/migrations.ts';
import type { Memories } from '../memories.ts';
import { Admission, type AdmissionPolicy } from './admission.ts';
import { createCompatApp } from './app.ts';
import { DEFAULT_FRESHNESS } from './freshness.ts';
import { KeyDirectory } from './key-directory.ts';
import { NonceCache } from './nonce-cache.ts';
import type { PeerAttestation } from './peer-attestation.ts';
import { PushReceiver } from './receive-push.ts';
import type { Sharing } from './sharing.ts';
import { SinceFeed } from './since-feed.ts';

const MIGRATIONS = new URL('./migrations/', import.meta.url);

/** Only peers whose key is enrolled, and only signed. Nodes before 0.7 cannot sign: for them the policy must say so. */
export const STRICT_POLICY: AdmissionPolicy = {
  require_signature: true,
  require_nonce: true,
  require_enrollment: true,
  trust_body_agent_id: false,
  freshness: DEFAULT_FRESHNESS,
};

export interface CompatOptions {
  memories: Memories;
  /** A file of the shim's own, open; the caller closes it. Losing it loses no memory. */
  db: Database;
  clock: Clock;
  redactor: Redactor;
  /** Our id on this wire. */
  agent_id: string;
  version: string;
  keys_folder: string;
  api_key: string | null;
  policy: AdmissionPolicy;
  attestation: PeerAttestation;
  unlisted: Sharing | null;
  member: string | null;
  isPaused: (peer_id: string) => boolean;
  onDefect: (error: unknown, route: string) => void;
}

/** Brings the shim's tables up to date; before anything else uses the database. */
export function migrateCompat(db: Database, now_ms: number): void {
  migrate(db, MIGRATIONS, now_ms, 'memory-compat');
}

export interface Compat {
  /** The routes of the dialect, to be listened with. */
  app: Hono;
  /** For what is pulled; and its `tend` for what waits, once in a while. */
  receiver: PushReceiver;
}

/** What old peers speak to, over our memories. */
export function openCompat(options: CompatOptions): Compat {
  const { memories, db, clock, redactor, agent_id, attestation, policy } = options;
  migrateCompat(db, clock.now_ms());
  const keys = new KeyDirectory(options.keys_folder);
  const receiver = new PushReceiver({ memories, db, keys, clock, redactor });
  const app = createCompatApp({
    agent_id,
    version: options.version,
    api_key: options.api_key,
    admission: new Admission({ policy, agent_id, keys, nonces: new NonceCache(db), attestation, clock }),
    attestation,
    unlisted: options.unlisted,
    member: options.member,
    isPaused: options.isPaused,
    receiver,
    feed: new SinceFeed({ memories, db, clock, redactor }),
    onDefect: options.onDefect,
  });
  return { app, receiver };
}
