/** A signal of one's own that also aborts with another one. */
export interface LinkedAbort {
  readonly signal: AbortSignal;
  abort(reason: string): void;
  /** Lets go of the other signal; to be called once nobody waits any more. */
  unlink(): void;
}

/**
 * Aborts by itself or with `parent`, whichever is first. For waits that come by the thousand under one signal that lives as long as the
 * process: `AbortSignal.any` leaves a weak reference with that one for each wait, until the collector has run.
 */
export function linkedAbort(parent: AbortSignal | undefined): LinkedAbort {
  const own = new AbortController();
  const follow = (): void => own.abort(parent?.reason);
  if (parent?.aborted) follow();
  else parent?.addEventListener('abort', follow, { once: true });
  return {
    signal: own.signal,
    abort: (reason) => own.abort(reason),
    unlink: () => parent?.removeEventListener('abort', follow),
  };
}
