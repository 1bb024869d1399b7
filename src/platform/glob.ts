/**
 * Matches text against a glob: `*` is any run without `/`, `**` any run, `?` one character. A pattern also covers
 * everything below what it names, so that `~/private` means the folder and all in it.
 */
export function globMatcher(glob: string): (text: string) => boolean {
  const source = glob
    .split(/(\*\*\/?|\*|\?)/)
    .map((part) => {
      if (part.startsWith('**')) return '.*';
      if (part === '*') return '[^/]*';
      if (part === '?') return '[^/]';
      return part.replace(/[.+^${}()|[\]\\]/g, '\\$&');
    })
    .join('');
  const pattern = new RegExp(`^${source}(?:/.*)?$`, 'su');
  return (text) => pattern.test(text);
}

/** `~` at the beginning stands for the user's home. */
export function expandHome(glob: string, user_home: string): string {
  return glob === '~' || glob.startsWith('~/') ? user_home + glob.slice(1) : glob;
}
