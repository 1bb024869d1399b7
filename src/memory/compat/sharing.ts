import type { JsonObject } from '../json.ts';
import { namespaceMatcher } from './namespace-pattern.ts';

/** What of ours a peer may get. Nothing is shared that nobody said yes to (R1). */
export interface Sharing {
  allows: (namespace: string) => boolean;
  /** Also memories without `metadata.scope`, which counts as private, as it does in recall. */
  unscoped: boolean;
}

export const NOTHING_SHARED: Sharing = { allows: () => false, unscoped: false };

/** Patterns as in `namespace-pattern.ts`. */
export function sharingOf(patterns: readonly string[], unscoped: boolean): Sharing {
  const matchers = patterns.map(namespaceMatcher);
  return { allows: (namespace) => matchers.some((matches) => matches(namespace)), unscoped };
}

/** Scopes that others may see. `shared` is the word of release 0.7; whatever else is there stays (fails closed). */
const SHARED_SCOPES: ReadonlySet<unknown> = new Set(['team', 'unit', 'org', 'collective', 'shared']);

export type Withheld = 'namespace' | 'private';

/** Why a memory must not leave to a peer; null: it may. A private one never leaves, whatever the peer's namespaces are. */
export function withheldFrom(
  sharing: Sharing,
  { namespace, metadata }: { namespace: string; metadata: JsonObject },
): Withheld | null {
  if (!sharing.allows(namespace)) return 'namespace';
  return isPrivate(sharing, metadata['scope']) ? 'private' : null;
}

export function isPrivate({ unscoped }: Pick<Sharing, 'unscoped'>, scope: unknown): boolean {
  return scope === undefined || scope === null ? !unscoped : !SHARED_SCOPES.has(scope);
}
