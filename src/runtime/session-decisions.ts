import type { EngineStore } from '../engine/store.ts';
import { CheckoutWatch } from '../sessions/delivery/checkout-watch.ts';
import { KnownStores } from '../sessions/delivery/known-stores.ts';
import { PrivateWatch } from '../sessions/delivery/private-watch.ts';
import { openFolder, sealFolder } from '../sessions/delivery/sealed-folder.ts';
import { rawHash } from '../sessions/delivery/segment-hash.ts';
import { SessionChoices } from '../sessions/delivery/session-choices.ts';
import { SessionHolds } from '../sessions/delivery/session-holds.ts';
import { SessionLinks } from '../sessions/delivery/session-links.ts';
import { SessionProjects } from '../sessions/delivery/session-project.ts';
import { LinkAssertions } from '../sessions/links/link-assertions.ts';
import { SharingRules } from '../sessions/delivery/sharing-rules.ts';
import type { Database } from '../storage/sqlite/database.ts';
import { sessionSecret } from './home.ts';
import { LOCAL_SESSIONS } from './session-destinations.ts';
import type { SessionsInputs } from './sessions-inputs.ts';

/** What the journal remembers that decides where a session goes, and what of it. */
export interface SessionDecisions {
  /** Of this device: keys digests, seals folders. */
  secret: Uint8Array;
  sealed: (root: string) => Uint8Array;
  /** What people took out of what is shared. */
  choices: SessionChoices;
  /** Commits and requests that people linked, or said are none. */
  assertions: LinkAssertions;
  /** What each store has. */
  links: SessionLinks;
  /** What waits on purpose. */
  holds: SessionHolds;
  projects: SessionProjects;
  /** Whose own word about sharing may change at any time: repositories, and people who start a session again to be private. */
  words: (CheckoutWatch | PrivateWatch)[];
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
  const choices = new SessionChoices(db);
  const { keyed } = engine;
  const { isPrivate, privates } = inputs;
  const repositories = new CheckoutWatch({ db, keyed, checkouts: { ...inputs.checkouts, open } });
  const folderOf = (checkout: string): string | null => repositories.folderOf(checkout);
  return {
    secret,
    sealed: (root) => sealFolder(secret, root, random),
    choices,
    assertions: new LinkAssertions(db),
    links,
    holds: new SessionHolds(db),
    projects: new SessionProjects({ db, workspaceOf, repositoryShares, captures, checkoutOf, folderOf }),
    words: [new PrivateWatch({ db, keyed, choices, local: LOCAL_SESSIONS, isPrivate, privates }), repositories],
    sharing_rules: new SharingRules(db),
    stores: new KnownStores(db, links, engine.keyed),
  };
}
