import { sep } from 'node:path';

/** `~/.claude/projects` for a path below the user's home. */
export function shortPath(path: string, user_home: string): string {
  if (path === user_home) return '~';
  return user_home !== '' && path.startsWith(user_home + sep) ? `~${path.slice(user_home.length)}` : path;
}
