import { expect, test } from 'vitest';
import { authored, storeOf, updateOf } from '../../../test/support/memory-operations.ts';
import { formatStamp, type Stamp } from '../clock/stamp.ts';
import { deltaOf } from '../merge/delta.ts';
import { NO_MEMORY, joinMemory, type MemoryState } from '../merge/memory.ts';
import { statusOf, type MemoryStatus } from './memory-columns.ts';

const at = (ms: number): Stamp => formatStamp({ ms, counter: 0, origin: 'a.1' });
const LIFE = at(10);
const NEXT_LIFE = at(50);
type Body = Parameters<typeof authored>[0];

/** Of the life that begins at 10, unless they say otherwise. Stamps grow to the right. */
const events = {
  store: storeOf('m', LIFE, { expires_at: 5 }),
  change: updateOf('m', LIFE, at(20), { title: 'x' }),
  extension: updateOf('m', LIFE, at(25), { expires_at: 9 }),
  expiry: { kind: 'archive', id: 'm', life: LIFE, reason: 'ttl_expired', expires_at: 5, stamp: at(30) },
  archive: { kind: 'archive', id: 'm', life: LIFE, reason: 'r', stamp: at(31) },
  restore: { kind: 'restore', id: 'm', life: LIFE, stamp: at(35) },
  delete: { kind: 'delete', id: 'm', stamp: at(40) },
  later_store: storeOf('m', NEXT_LIFE),
  later_change: updateOf('m', NEXT_LIFE, at(55), { title: 'y' }),
} satisfies Record<string, Body>;
type Event = keyof typeof events;

const states: Record<'none' | MemoryStatus, Event[]> = {
  none: [],
  unseen: ['change'],
  live: ['store'],
  archived: ['store', 'archive'],
  dead: ['store', 'delete'],
};

const table: Record<'none' | MemoryStatus, Record<Event, MemoryStatus>> = {
  none: {
    store: 'live',
    change: 'unseen',
    extension: 'unseen',
    expiry: 'unseen',
    archive: 'unseen',
    restore: 'unseen',
    delete: 'dead',
    later_store: 'live',
    later_change: 'unseen',
  },
  unseen: {
    store: 'live',
    change: 'unseen',
    extension: 'unseen',
    expiry: 'unseen',
    archive: 'unseen',
    restore: 'unseen',
    delete: 'dead',
    later_store: 'live',
    later_change: 'unseen',
  },
  live: {
    store: 'live',
    change: 'live',
    extension: 'live',
    expiry: 'archived',
    archive: 'archived',
    restore: 'live',
    delete: 'dead',
    later_store: 'live',
    later_change: 'unseen',
  },
  archived: {
    store: 'archived',
    change: 'archived',
    extension: 'archived',
    expiry: 'archived',
    archive: 'archived',
    restore: 'live',
    delete: 'dead',
    later_store: 'live',
    later_change: 'unseen',
  },
  dead: {
    store: 'dead',
    change: 'dead',
    extension: 'dead',
    expiry: 'dead',
    archive: 'dead',
    restore: 'dead',
    delete: 'dead',
    later_store: 'live',
    later_change: 'unseen',
  },
};

const stateAfter = (list: readonly Event[]): MemoryState =>
  list.map((event) => deltaOf(authored(events[event])).state as MemoryState).reduce(joinMemory, NO_MEMORY);

const cells = Object.entries(table).flatMap(([from, row]) =>
  Object.entries(row).map(([event, to]) => [from, event, to] as [keyof typeof table, Event, MemoryStatus]),
);

test.each(cells)('%s, then %s: %s; and whatever came first', (from, event, to) => {
  expect(statusOf(stateAfter([...states[from], event]))).toBe(to);
  expect(statusOf(stateAfter([event, ...states[from]]))).toBe(to);
});

test('an archive of what expired counts only while it still expires then', () => {
  expect(statusOf(stateAfter(['store', 'expiry', 'extension']))).toBe('live');
  expect(statusOf(stateAfter(['extension', 'expiry', 'store']))).toBe('live');
  expect(statusOf(stateAfter(['store', 'archive', 'extension']))).toBe('archived');
});
