import type { Clock } from '../../../platform/clock.ts';
import type { LinkFinder } from '../link-finder.ts';
import type { SessionStore } from '../session-store.ts';

/** What the suite gives to the store that it opens. */
export interface StoreParts {
  clock: Clock;
  links: LinkFinder;
}

/** A back-end with the handles that its contract needs. */
export interface SessionStoreUnderTest {
  readonly store: SessionStore;
  /** One more handle on the same data, as another process of ours would have it. The caller closes it. */
  another(): Promise<SessionStore>;
  /** Whether a text stands anywhere in the files that the store keeps; null where they are out of reach. */
  holds(text: string): Promise<boolean | null>;
  /** Closes the store and removes its data. */
  close(): Promise<void>;
}

/** Opens an empty store; each call another one. */
export type OpenSessionStore = (parts: StoreParts) => Promise<SessionStoreUnderTest>;
