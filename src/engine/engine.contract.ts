import { describe } from 'vitest';
import { appendAtContract } from './contract/append-at.contract.ts';
import { appendContract } from './contract/append.contract.ts';
import { batchesContract } from './contract/batches.contract.ts';
import { crashContract } from './contract/crash.contract.ts';
import { deadLettersContract } from './contract/dead-letters.contract.ts';
import { destinationsContract } from './contract/destinations.contract.ts';
import { retentionContract } from './contract/retention.contract.ts';
import { rowsContract } from './contract/rows.contract.ts';
import type { OpenStore } from './contract/store-under-test.ts';
import { heldKeysContract } from './contract/held-keys.contract.ts';
import { tasksContract } from './contract/tasks.contract.ts';
import { walkContract } from './contract/walk.contract.ts';

/** What every back-end of the engine promises (`EngineStore`). A new back-end calls this from a test file of its own. */
export function engineContract(name: string, open: OpenStore): void {
  describe(`engine on ${name}`, () => {
    describe('append', () => appendContract(open));
    describe('append at', () => appendAtContract(open));
    describe('batches', () => batchesContract(open));
    describe('destinations', () => destinationsContract(open));
    describe('retention', () => retentionContract(open));
    describe('dead letters and erasure', () => deadLettersContract(open));
    describe('tasks', () => tasksContract(open));
    describe('held keys', () => heldKeysContract(open));
    describe('rows', () => rowsContract(open));
    describe('crash', () => crashContract(open));
    describe('walk', () => walkContract(open));
  });
}
