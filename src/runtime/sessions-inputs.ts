import type { Workspace } from '../agents/workspace.ts';
import type { Hashing } from '../redaction/hashing.ts';
import type { Salts } from '../telemetry/salts.ts';
import type { Checkouts } from '../sessions/delivery/checkout-watch.ts';
import type { SessionProjectsOptions } from '../sessions/delivery/session-project.ts';
import type { DirectoryOptions } from './directory-options.ts';

/** What opening the sessions stream of a data directory needs. */
export interface SessionsInputs {
  options: DirectoryOptions;
  hashing: Hashing;
  salts: Salts;
  workspaceOf: (cwd: string) => Workspace;
  /** Whether the configuration and the repository let a project be read at all. */
  allowed: SessionProjectsOptions['captures'];
  /** What a checkout's `.syncline.toml` says about sharing; null: the folder is not there, or nobody understands it. */
  repositoryShares: (root: string) => boolean | null;
  /** The rules of checkouts at this moment. */
  checkouts: Pick<Checkouts, 'markOf' | 'readShares'>;
  /** Whether a session was started with SYNCLINE_PRIVATE=1, by its agent's id. */
  isPrivate: (agent_session_id: string) => boolean;
  /** How many are known to be so. */
  privates: () => number;
  /** Finds out which were started so since; before each round, so that it is known before anything leaves. */
  lookForPrivate: (signal: AbortSignal) => Promise<void>;
  /** Bytes the journal and the store of conversations may each hold. */
  journal_bytes: number;
  store_bytes: number;
}
