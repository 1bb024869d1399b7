/**
 * Which workspace a working directory belongs to (telemetry specification §2.7, §12.2 point 9). A team's machines must
 * come to the same hash for the same repository, so the identity is the normalised remote, and a path only without one.
 * Git itself is never run: the hook uses this too, and a process start would cost more than the whole hook.
 */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';

export interface Workspace {
  /** `github.com/acme/web`, or an absolute path where there is no remote. */
  identity: string;
  kind: 'remote' | 'path';
  /** The repository's or folder's name. */
  name: string;
  /** Folder of the checkout, or the working directory itself. */
  root: string;
}

/** More folders than any real path has; a guard against a loop of links. */
const MAX_PARENTS = 64;
const MAX_CONFIG_BYTES = 1024 * 1024;

/** Finds the workspace of a working directory. Never throws: a folder that is gone or unreadable stands for itself. */
export function workspaceOf(cwd: string): Workspace {
  const start = resolve(cwd);
  let folder = start;
  for (let i = 0; i < MAX_PARENTS; i++) {
    const config = gitConfigOf(folder);
    if (config !== null) return inRepository(folder, config);
    const parent = dirname(folder);
    if (parent === folder) break;
    folder = parent;
  }
  return atPath(start);
}

function inRepository(root: string, config: string): Workspace {
  const identity = remoteIdentity(config);
  return identity === null ? atPath(root) : { identity, kind: 'remote', name: basename(identity), root };
}

function atPath(path: string): Workspace {
  return { identity: path, kind: 'path', name: basename(path) || path, root: path };
}

/** The text of the repository's config when `folder` is a checkout's root; linked worktrees lead to their main one. */
function gitConfigOf(folder: string): string | null {
  const git = join(folder, '.git');
  const kind = kindOf(git);
  if (kind === null) return null;
  const common = kind === 'folder' ? git : commonFolder(folder, readText(git));
  return common === null ? null : (readText(join(common, 'config')) ?? '');
}

/** Null when it is not there, or may not be looked at, or is no possible name at all. */
function kindOf(path: string): 'folder' | 'file' | null {
  try {
    return statSync(path).isDirectory() ? 'folder' : 'file';
  } catch {
    return null;
  }
}

/** `.git` of a worktree or submodule is a file that names its folder, which may name the common one. */
function commonFolder(folder: string, gitFile: string | null): string | null {
  const named = /^gitdir: (.+)$/m.exec(gitFile ?? '')?.[1]?.trim();
  if (named === undefined) return null;
  const own = isAbsolute(named) ? named : join(folder, named);
  const common = readText(join(own, 'commondir'))?.trim();
  if (common === undefined) return own;
  return isAbsolute(common) ? common : join(own, common);
}

function readText(file: string): string | null {
  try {
    if (statSync(file).size > MAX_CONFIG_BYTES) return null;
    return readFileSync(realpathSync(file), 'utf8');
  } catch {
    // Not there or not readable: then it says nothing about the workspace.
    return null;
  }
}

/** Normalised address of `origin`, else of the first remote; null when there is none that can be normalised. */
export function remoteIdentity(config: string): string | null {
  const remotes = [...config.matchAll(/^\s*\[remote "([^"\n]{1,200})"\]([^[]*)/gm)].map(([, name, body]) => ({
    name,
    url: /^\s*url\s*=\s*(.+)$/m.exec(body ?? '')?.[1]?.trim(),
  }));
  const chosen = remotes.find(({ name }) => name === 'origin') ?? remotes[0];
  return chosen?.url === undefined ? null : normalizeRemote(chosen.url);
}

/**
 * `host/owner/repository` of a remote's address in any of its forms; credentials, port, `.git` and trailing slashes go.
 * Null for a path on this machine, which says nothing to another.
 */
export function normalizeRemote(url: string): string | null {
  const text = unquoted(url);
  const scp = /^(?:[^@/\s]{1,100}@)?([A-Za-z0-9.-]{1,255}):(?!\/\/)(.+)$/.exec(text);
  const parsed = /^[a-z][a-z0-9+.-]{0,20}:\/\//i.test(text) ? parseUrl(text) : null;
  const [host, path] = parsed ?? (scp ? [scp[1] ?? '', scp[2] ?? ''] : ['', '']);
  const trimmed = path.replace(/^\/+|\/+$/g, '').replace(/\.git$/i, '');
  // One letter is a drive (`C:\repos`), not a host.
  if (host.length < 2 || trimmed === '') return null;
  return `${host.toLowerCase()}/${trimmed}`;
}

function unquoted(url: string): string {
  return url.replace(/^"(.*)"$/, '$1');
}

function parseUrl(text: string): [host: string, path: string] | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.protocol === 'file:') return null;
  return [url.hostname, decodePath(url.pathname)];
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
