import type { Hashing } from '../../redaction/hashing.ts';
import { createRedactor, type Redactor } from '../../redaction/redactor.ts';
import type { Salt } from '../salts.ts';

/** A workspace as `src/agents/workspace.ts` finds it. */
export interface Workspace {
  /** `github.com/acme/web`, or an absolute path where there is no remote. */
  identity: string;
  kind: 'remote' | 'path';
  /** The repository's or folder's name. */
  name: string;
  /** Folder of the checkout; null when unknown. */
  root: string | null;
}

/** What all items of one workspace under one salt have in common. */
export interface WorkspaceContext {
  workspace: Workspace;
  salt: Salt;
  workspace_hash: string;
  redactor: Redactor;
}

const CONTEXTS_CACHED = 256;

/** Makes and keeps the context of each (workspace, salt): a redactor is compiled once. */
export class WorkspaceContexts {
  readonly #hashing: Hashing;
  readonly #tags: boolean;
  readonly #cache = new Map<string, WorkspaceContext>();

  constructor(hashing: Hashing, tags: boolean) {
    this.#hashing = hashing;
    this.#tags = tags;
  }

  of(workspace: Workspace, salt: Salt): WorkspaceContext {
    const key = `${salt.salt_id} ${workspace.identity}`;
    const cached = this.#cache.get(key);
    if (cached) return cached;
    if (this.#cache.size >= CONTEXTS_CACHED) this.#cache.clear();
    const context: WorkspaceContext = {
      workspace,
      salt,
      workspace_hash: this.#hashing.workspaceHash(salt.bytes, workspace.identity),
      redactor: createRedactor({
        salt: salt.bytes,
        hashing: this.#hashing,
        workspace: workspace.identity,
        tags: this.#tags,
      }),
    };
    this.#cache.set(key, context);
    return context;
  }
}
