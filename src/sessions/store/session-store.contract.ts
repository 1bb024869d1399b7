import { describe } from 'vitest';
import { containingContract } from './contract/containing.contract.ts';
import { isolationContract } from './contract/isolation.contract.ts';
import { linksContract } from './contract/links.contract.ts';
import { listContract } from './contract/list.contract.ts';
import { putContract } from './contract/put.contract.ts';
import { removalContract } from './contract/removal.contract.ts';
import { searchContract } from './contract/search.contract.ts';
import type { OpenSessionStore } from './contract/store-under-test.ts';
import { treeContract } from './contract/tree.contract.ts';

/** What every `SessionStore` promises. A new back-end calls this from a test file of its own. */
export function sessionStoreContract(name: string, open: OpenSessionStore): void {
  describe(`session store on ${name}`, () => {
    describe('put', () => putContract(open));
    describe('removal', () => removalContract(open));
    describe('lists', () => listContract(open));
    describe('search', () => searchContract(open));
    describe('text as it stands', () => containingContract(open));
    describe('links and edits', () => linksContract(open));
    describe('trees', () => treeContract(open));
    describe('teams', () => isolationContract(open));
  });
}
