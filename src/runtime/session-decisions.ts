import type { EngineStore } from '../engine/store.ts';
import { CheckoutWatch } from '../sessions/delivery/checkout-watch.ts';
import { KnownStores } from '../sessions/delivery/known-stores.ts';
import { openFolder, sealFolder } from '../sessions/delivery/sealed-folder.ts';
import { rawHash } from '../sessions/delivery/segment-hash.ts';
import { SessionChoices } from '../sessions/delivery/session-choices.ts';
import { SessionHolds } from '../sessions/delivery/session-holds.ts';
import { SessionLinks } from '../sessions/delivery/session-links.ts';
import { SessionProjects } from '../sessions/delivery/session-project.ts';
import { SharingRules } from '../sessions/delivery/sharing-rules.ts';
import type { Database } from '../storage/sqlite/database.ts';
import { sessionSecret } from './home.ts';
import type { SessionsInputs } from './sessions-inputs.ts';

/** What the journal remembers that decides where a session goes, and what of it. */
export interface SessionDecisions {
  /** Of this device: keys digests, seals folders. */
  secret: Uint8Array;
  sealed: (root: string) => Uint8Array;
  /** What people took out of what is shared. */
  choices: SessionChoices;
  /** What each store has. */
  links: SessionLinks;
  /** What waits on purpose. */
  holds: SessionHolds;
  projects: SessionProjects;
  /** Whose own word about sharing may change at any time. */
  repositories: CheckoutWatch;
  /** The configuration that was in force, by destination. */
  sharing_rules: SharingRules;
  /** Which store stands behind each destination. */
  stores: KnownStores;
}

export function openSessionDecisions(inputs: SessionsInputs, engine: EngineStore, db: Database): SessionDecisions {
  const { hashing, workspaceOf, repositoryShares, allowed: captures } = inputs;
  const { paths, random } = inputs.options;
  const secret = sessionSecret(paths, random);
  const open = (folder: Uint8Array): string | null => openFolder(secret, folder);
  const checkoutOf = (root: string): string => rawHash(hashing, secret, root);
  const links = new SessionLinks(db);
  return {
    secret,
    sealed: (root) => sealFolder(secret, root, random),
    choices: new SessionChoices(db),
    links,
    holds: new SessionHolds(db),
    projects: new SessionProjects({ db, workspaceOf, repositoryShares, captures, checkoutOf }),
    repositories: new CheckoutWatch({ db, keyed: engine.keyed, checkouts: { ...inputs.checkouts, open } }),
    sharing_rules: new SharingRules(db),
    stores: new KnownStores(db, links, engine.keyed),
  };
}
