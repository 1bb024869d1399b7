import type { Delivery } from '../engine/ordered/delivery.ts';
import type { EngineStore } from '../engine/store.ts';
import type { SessionStore, SessionSummary } from '../sessions/store/session-store.ts';
import type { OnHold } from './operator.ts';
import type { SessionErasure } from './session-erasure.ts';
import type {
  ConversationShare,
  LinkResult,
  SessionsPreview,
  SessionsPreviewQuery,
  SessionsSourceStatus,
  ShareResult,
} from './session-verbs.ts';

/** What works on conversations in one data directory: a journal of its own, the local store, sources, deliveries. */
export interface SessionsDirectory {
  engine: EngineStore;
  store: SessionStore;
  destinations: { destination: { readonly id: string }; insecure: boolean }[];
  deliveries: Map<string, Pick<Delivery, 'run' | 'pass'>>;
  /** Reads what is new at the source in use; `pending` = some of it could not be taken in yet. */
  sweep: (signal: AbortSignal, hinted: boolean) => Promise<{ changed: number; full: boolean }>;
  /**
   * Asks each store that may be sent to which one it is; of one that stands in the place of another, everything is brought
   * anew by the next sweep. True when there is one. A store that cannot be asked now is asked another time.
   */
  recognize: (signal: AbortSignal) => Promise<boolean>;
  /** Folders whose change is a hint for a sweep. */
  watched: () => string[];
  sources: () => SessionsSourceStatus[];
  /** What `status` says of them besides. */
  warnings: () => string[];
  /** Where a session went besides the local store. */
  sharesOf: (key: string) => Promise<ConversationShare[]>;
  /** @throws UsageError `link.target` */
  assertLink: (session: SessionSummary, target: string, linked: boolean) => Promise<LinkResult>;
  share: (keys: readonly string[], share: boolean) => Promise<ShareResult>;
  erasure: SessionErasure;
  /** How many sessions wait for a destination on purpose, and when the first of them leaves; null: none. */
  onHold: (destination: string) => OnHold | null;
  preview: (query: SessionsPreviewQuery) => Promise<SessionsPreview>;
  replay: (confirm_vanished: boolean) => Promise<{ sessions: number }>;
  close: () => Promise<void>;
}
