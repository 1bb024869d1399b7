import { dirname, relative, sep } from 'node:path';
import type { ConversationHead } from '../../agents/conversation.ts';
import type { Workspace } from '../../agents/workspace.ts';
import type { FlowWrite } from '../../engine/transaction.ts';
import type { Database } from '../../storage/sqlite/database.ts';

/** The project of a session, as sharing, masking and stores see it. */
export interface SessionProject {
  /** `host/owner/repository`, or an absolute path where there is no remote; null: not known. */
  identity: string | null;
  kind: 'repository' | 'folder' | 'unknown';
  /** What people call it; never a path. */
  label: string;
  /** Folder of the checkout; paths below it are told relative to it. */
  root: string | null;
  /** What the repository's own `.syncline.toml` says about sharing; null: it cannot be asked any more. */
  shares: boolean | null;
  /** False: it is excluded from being read at all (`capture.exclude`, the repository's own rules). */
  captured: boolean;
  /** Digest of the checkout's folder while that is there, for `CheckoutWatch`. */
  checkout: string | null;
}

export interface SessionProjectsOptions {
  db: Database;
  /** `workspaceOf`. */
  workspaceOf: (cwd: string) => Workspace;
  /** What `.syncline.toml` of a checkout says; null when its folder is not there. */
  repositoryShares: (root: string) => boolean | null;
  /** Keyed digest of a checkout's folder. */
  checkoutOf: (root: string) => string;
  /** The folder behind a digest of `checkoutOf`; null: it was not kept, or cannot be told any more. */
  folderOf: (checkout: string) => string | null;
  /** Whether it is read at all; `cwd` null: unknown. */
  captures: (
    workspace: { identity: string; kind: 'remote' | 'path'; name: string; root: string | null },
    cwd: string | null,
  ) => boolean;
}

interface Remembered {
  repository: string | null;
  depth: number;
  shares: number;
  checkout: string | null;
}

type Found = Omit<SessionProject, 'captured'>;

/**
 * Finds the project of a session from its working directory, and remembers it while the folder is there: a checkout
 * that is removed later must neither withdraw its sessions from a team (R28) nor lift what its repository had asked for.
 */
export class SessionProjects {
  readonly #options: SessionProjectsOptions;

  /** `migrateSessionTables` must have run on `db`. */
  constructor(options: SessionProjectsOptions) {
    this.#options = options;
  }

  /** The project, and the write that remembers it, to be committed with the session's settlement. */
  of(key: string, head: ConversationHead): { project: SessionProject; writes: FlowWrite[] } {
    const { project, writes } = this.#found(key, head);
    const { identity, kind, label, root } = project;
    const workspace = { identity: identity ?? '', kind: workspaceKind(kind), name: label, root };
    return { project: { ...project, captured: this.#options.captures(workspace, head.cwd) }, writes };
  }

  #found(key: string, head: ConversationHead): { project: Found; writes: FlowWrite[] } {
    const { cwd } = head;
    if (cwd === null) return { project: withoutFolder(head), writes: [] };
    const remembered = this.#remembered(key);
    const found = this.#options.workspaceOf(cwd);
    const shares = this.#options.repositoryShares(found.root);
    const is_there = shares !== null && (found.kind === 'remote' || (remembered?.repository ?? null) === null);
    if (!is_there && remembered) return { project: asRemembered(head, cwd, remembered), writes: [] };
    const repository = head.repository ?? (found.kind === 'remote' ? found.identity : null);
    const checkout = shares === null ? null : this.#options.checkoutOf(found.root);
    const project = { ...projectOf(head, repository, found, shares), checkout };
    const fresh = { repository, depth: depthBelow(found.root, cwd), shares: shares === false ? 0 : 1, checkout };
    const writes = shares === null || isEqual(remembered, fresh) ? [] : [rememberWrite(key, fresh)];
    return { project, writes };
  }

  /** What is remembered of a session that cannot be read any more; a folder as far as it was sealed when it was shared. */
  ofGone(key: string): SessionProject {
    const remembered = this.#remembered(key);
    const repository = remembered?.repository ?? null;
    const shares = remembered === undefined ? null : remembered.shares === 1;
    const parts = { root: null, shares, captured: true, checkout: null } as const;
    if (repository !== null) return { identity: repository, kind: 'repository', label: repository, ...parts };
    const checkout = remembered?.checkout ?? null;
    const folder = checkout === null ? null : this.#options.folderOf(checkout);
    if (folder !== null) return { identity: folder, kind: 'folder', label: '', ...parts };
    return { identity: null, kind: 'unknown', label: '', ...parts, shares: shares === false ? false : null };
  }

  #remembered(key: string): Remembered | undefined {
    return this.#options.db.get<Remembered & Record<string, never>>(
      'SELECT repository, depth, shares, checkout FROM session_project WHERE key = ?',
      key,
    );
  }
}

function projectOf(
  head: ConversationHead,
  repository: string | null,
  found: Workspace,
  shares: boolean | null,
): Omit<Found, 'checkout'> {
  if (repository !== null)
    return { identity: repository, kind: 'repository', label: repository, root: found.root, shares };
  return {
    identity: found.identity,
    kind: 'folder',
    label: head.project_label || found.name,
    root: found.root,
    shares,
  };
}

/** As it was while the folder stood: the checkout is `depth` folders above the working directory. */
function asRemembered(head: ConversationHead, cwd: string, { repository, depth, shares }: Remembered): Found {
  let root = cwd;
  for (let i = 0; i < depth; i++) root = dirname(root);
  const kind = repository === null ? 'folder' : 'repository';
  return {
    ...{ identity: repository ?? root, kind, label: repository ?? head.project_label, root },
    ...{ shares: shares === 1, checkout: null },
  };
}

function withoutFolder({ repository, project_label }: ConversationHead): Found {
  if (repository === null)
    return { identity: null, kind: 'unknown', label: project_label, root: null, shares: null, checkout: null };
  return { identity: repository, kind: 'repository', label: repository, root: null, shares: null, checkout: null };
}

function workspaceKind(kind: SessionProject['kind']): 'remote' | 'path' {
  return kind === 'repository' ? 'remote' : 'path';
}

/** 0 when the working directory does not lie below. */
function depthBelow(root: string, cwd: string): number {
  const way = relative(root, cwd);
  return way === '' || way.startsWith('..') ? 0 : way.split(sep).length;
}

function isEqual(a: Remembered | undefined, b: Remembered): boolean {
  return a?.repository === b.repository && a.depth === b.depth && a.shares === b.shares && a.checkout === b.checkout;
}

function rememberWrite(key: string, { repository, depth, shares, checkout }: Remembered): FlowWrite {
  return {
    sql: `INSERT INTO session_project (key, repository, depth, shares, checkout) VALUES (?, ?, ?, ?, ?)
          ON CONFLICT (key) DO UPDATE SET repository = excluded.repository, depth = excluded.depth,
            shares = excluded.shares, checkout = excluded.checkout`,
    parameters: [key, repository, depth, shares, checkout],
    expect_rows: 1,
  };
}
