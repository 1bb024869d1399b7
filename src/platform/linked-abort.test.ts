import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { linkedAbort } from './linked-abort.ts';

describe('a linked abort', () => {
  test('aborts with the other signal, with its reason', () => {
    const parent = new AbortController();
    const { signal } = linkedAbort(parent.signal);
    expect(signal.aborted).toBe(false);
    parent.abort('stopping');
    expect(signal.reason).toBe('stopping');
    expect(linkedAbort(parent.signal).signal.reason).toBe('stopping');
  });

  test('aborts by itself and leaves nothing with the other signal', () => {
    const parent = new AbortController();
    const linked = linkedAbort(parent.signal);
    linked.abort('woken');
    linked.unlink();
    expect(linked.signal.reason).toBe('woken');
    expect(parent.signal.aborted).toBe(false);
    expect(getEventListeners(parent.signal, 'abort')).toEqual([]);
  });

  test('needs no other signal', () => {
    const linked = linkedAbort(undefined);
    linked.abort('over');
    linked.unlink();
    expect(linked.signal.reason).toBe('over');
  });
});
