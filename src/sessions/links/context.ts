/** What is known of the session a message stands in. */
export interface LinkContext {
  /** The session's key. */
  key: string;
  /** `host/owner/repository` of the session; null: unknown. */
  repository: string | null;
  branch: string | null;
  /** Where the session works, where the store may know it: tells a commit made in another folder from one of its own. */
  cwd?: string | null;
}

/**
 * The repository of a command that ran in `folder`; null: it may be another than the session's. An absolute folder that
 * cannot be compared, as masking made it a hash, is taken for the session's: agents spell their own folder out.
 */
export function repositoryAt(folder: string | null, context: LinkContext): string | null {
  if (folder === null || folder.startsWith('$(git rev-parse')) return context.repository;
  if (/^<[^<>]{1,80}>/.test(folder)) return context.repository;
  if (!/^(?:[/\\]|[A-Za-z]:[/\\])/.test(folder))
    return /^[~$-]|(?:^|[/\\])\.\.(?:$|[/\\])/.test(folder) ? null : context.repository;
  const cwd = context.cwd ?? null;
  return cwd === null || isWithin(folder, cwd) || isWithin(cwd, folder) ? context.repository : null;
}

function isWithin(inner: string, outer: string): boolean {
  const [path, root] = [normalized(inner), normalized(outer)];
  return root !== '' && (path === root || path.startsWith(`${root}/`));
}

function normalized(path: string): string {
  return path.replaceAll('\\', '/').replace(/\/{1,10}$/, '');
}
