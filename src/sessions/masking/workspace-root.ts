/** More passes than any text can need that was not made to. */
const MAX_PASSES = 4;
/** A root of one or two folders' letters (`/`, `/a`) would be found in texts that do not mean it. */
const SHORTEST_ROOT = 4;
/** What JSON would escape cannot be replaced in text that may be JSON. */
const PLAIN = /^\/[^"\\\p{Cc}]+$/u;

/**
 * Makes paths below a workspace's folder relative: `/home/ada/shop/src/user.ts` becomes `./src/user.ts`. The folder names
 * a person and a machine, what lies below names the work: by it a conversation is found from a line of code. Text that
 * does not hold the folder comes back as the same string. Idempotent.
 */
export function relativeTo(root: string | null): (text: string) => string {
  const folder = root?.replace(/\/+$/, '') ?? '';
  if (folder.length < SHORTEST_ROOT || !PLAIN.test(folder)) return (text) => text;
  const literal = folder.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  // Not the end of a longer path (`file:///home/…`, `@fs/home/…`), nor the beginning of a longer name (`shop-old`).
  const mention = new RegExp(String.raw`(?<![\w.~/@+-])${literal}(?![\w-]|\.\w)`, 'g');
  return (text) => {
    let current = text;
    for (let pass = 0; pass < MAX_PASSES && current.includes(folder); pass++) {
      const next = current.replace(mention, '.');
      if (next === current) break;
      current = next;
    }
    return current;
  };
}
