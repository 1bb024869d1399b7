import { HOME_PREFIXES } from './rules/paths.ts';

/** Material of a path's hash: the original hashes what follows its prefix, under the workspace (§3.5 rule 2). */
export function pathMaterial(path: string, workspace: string): string {
  for (const prefix of HOME_PREFIXES) {
    const at = path.indexOf(prefix);
    if (at !== -1) return `${workspace}/${path.slice(at + prefix.length).replace(/^\/+/, '')}`;
  }
  return `${workspace}/${path.replace(/\\+/g, '/').replace(/^\/+/, '')}`;
}

/** `file` when the last segment holds a dot, else `path`. */
export function pathClass(path: string): 'file' | 'path' {
  const last = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'));
  return path.includes('.', last + 1) ? 'file' : 'path';
}

/** How far back a URL may begin; longer ones are taken for text. */
const MAX_URL_CHARS = 2048;

/**
 * True when `text[at]` lies in the path of an http(s) URL of another machine: `https://example.com/home/x` is an
 * address, not somebody's home. A loopback URL (a dev server that serves files) is.
 */
export function insideRemoteUrl(text: string, at: number): boolean {
  let start = at;
  const floor = Math.max(0, at - MAX_URL_CHARS);
  while (start > floor && !' \t\r\n"\'`<>()'.includes(text.charAt(start - 1))) start--;
  const before = text.slice(start, at);
  const scheme = before.search(/https?:\/\//i);
  if (scheme === -1) return false;
  return !/^https?:\/\/(?:localhost|127\.|0\.0\.0\.0|\[::1\])/i.test(before.slice(scheme));
}
