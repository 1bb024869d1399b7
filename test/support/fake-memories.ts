/** Memories as the store gives them, for tests of what is shown of them. */
import type { Receipt } from '../../src/memory/durability.ts';
import type { Written } from '../../src/memory/memories.ts';
import type { FoundMemory, Memory, PendingAction, Provenance } from '../../src/memory/memory.ts';

const AT = '2026-11-21T12:00:00.000000000+00:00';

export const FAKE_MEMBER = 'aaaabbbbccccdddd';

export function fakeProvenance(more: Partial<Provenance> = {}): Provenance {
  const session = { id: '4be1c07d-92aa-4b1e-8f00-000000000001', hash: `blake3:${'5'.repeat(64)}` };
  return { agent_id: 'claude', device: 'laptop', session, member: FAKE_MEMBER, at: AT, foreign: false, ...more };
}

export function fakeMemoryId(n: number): string {
  return `0b9c6a5${n}-4a39-4f0e-9d7b-1c2f3a4b5c6d`;
}

export function fakeMemory(n = 0, more: Partial<Memory> = {}): Memory {
  const title = more.title ?? `Rollback needs two approvals ${n}`;
  return {
    id: fakeMemoryId(n),
    tier: 'mid',
    namespace: 'team/ops',
    title,
    own_title: title,
    content: 'Agreed in the Tuesday review.',
    tags: ['deploy'],
    priority: 6,
    confidence: 0.9,
    source: 'api',
    access_count: 0,
    created_at: AT,
    updated_at: AT,
    last_accessed_at: null,
    expires_at: null,
    metadata: { agent_id: 'claude' },
    extra: {},
    text_version: `019ab0000000-0000-${FAKE_MEMBER}.1`,
    life: `019ab0000000-0000-${FAKE_MEMBER}.1`,
    written: fakeProvenance(),
    updated: fakeProvenance(),
    ...more,
  };
}

export function fakeFound(n = 0, more: Partial<FoundMemory> = {}): FoundMemory {
  return { ...fakeMemory(n, more), score: 5 - n, ...more };
}

export function fakeReceipt(more: Partial<Receipt> = {}): Receipt {
  return { operation: `${FAKE_MEMBER}.1:7`, durable_on: 1, members: 3, on: [FAKE_MEMBER], ...more };
}

export function fakeWritten<T>(result: T, more: Partial<Written<T>> = {}): Written<T> {
  const receipt = more.receipt ?? fakeReceipt();
  const operations = receipt.operation === null ? [] : [receipt.operation];
  return { result, operations, receipt, redacted: {}, replayed: false, ...more };
}

export function fakePending(n = 0, more: Partial<PendingAction> = {}): PendingAction {
  return {
    ...{ id: `5f0c000${n}`, action_type: 'store', memory_id: null, namespace: 'team/ops' },
    ...{ payload: { title: 'Friday deploys' }, requested_by: 'claude', requested_at: AT, status: 'pending' as const },
    ...{ decided_by: null, decided_at: null, approvals: [] },
    ...more,
  };
}
