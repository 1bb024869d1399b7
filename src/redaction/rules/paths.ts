import { edge, type Rule } from '../rule.ts';

/**
 * An absolute path begins at an edge, because `src/home/page.tsx` is relative and names nobody. The second half lists
 * where an absolute path is glued to something: `-I/home/…`, `vscode://file/home/…`, `/@fs/home/…` of a dev server, and
 * `/private/var/folders/…`, where the original's vector keeps `/private`.
 */
const EDGE = String.raw`(?:(?<![\w.~}*>@-])|(?<=\s-[A-Za-z]|@fs|:\/\/[\w.-]{1,40}|\/private|\\[nrt]))`;
/** Homes on other mounts: /export/home, /c/Users, /mnt/… has a rule of its own. */
const MOUNT = String.raw`(?:\/(?:export|data|net|nfs|usr|host|cygdrive\/[a-z]|[a-z]|System\/Volumes\/Data))?`;
const HOME = String.raw`\/(?:Users|home|var\/folders|private\/var)\/`;
/** As in the original a path runs to a blank, quote or bracket; ours ends at an escape and at markup as well. */
const STOP = String.raw`\s"'${'`'})\\<>|;`;
/** A folder like "Application Support" holds a blank when a slash follows the next word; so may a user's name. */
const REST = String.raw`(?:[^${STOP}]|\\ | [A-Z][^${STOP}/]{0,31}(?=\/)){0,2048}`;
const USER = String.raw`[^${STOP}/]{1,128}(?:(?: (?!&&|-)[^${STOP}/]{1,32}){1,3}(?=\/))?`;

const NAME = String.raw`[^\s\\/"'${'`'}<>|*?:;,)(\]}]`;
/** Backslashes double with every level of escaping. */
const SLASH = String.raw`(?:\\{1,16}|\/)`;
const WINDOWS_REST = String.raw`(?:${SLASH}${NAME}{1,255}(?: ${NAME}{1,64}(?: ${NAME}{1,64}){0,3}(?=\\))?){0,64}`;

/** The original's prefixes, in the order in which it looked for them (telemetry specification §3.5 rule 2). */
export const HOME_PREFIXES = ['/Users/', '/home/', '/var/folders/', '/private/var/'] as const;

/** Folders at the root that hold a machine's own layout: the superuser's home, scratch space, mounts, checkouts. */
const ROOTS = ['root', 'tmp', 'mnt', 'workspace', 'workspaces', 'opt'];
const HOMES = HOME_PREFIXES.map((prefix) => prefix.toLowerCase());

/** Absolute paths that name a person or a machine's layout. What stands in for one is made in `../paths.ts`. */
export const pathRules: readonly Rule[] = [
  {
    // Between quotes the end is known, blanks or not.
    name: 'quoted-path',
    anchors: HOMES,
    pattern: String.raw`(?:(?<=")${HOME}[^"\\\n<>|]{1,1024}(?=")|(?<=')${HOME}[^'\\\n<>|]{1,1024}(?='))`,
    form: 'path',
  },
  {
    name: 'home-path',
    anchors: HOMES,
    pattern: String.raw`(?<=${EDGE}(?<lead>${MOUNT}))(?:\/(?:Users|home)\/(?:${USER})?|\/var\/folders\/|\/private\/var\/(?!folders\/))${REST}`,
    form: 'path',
  },
  {
    name: 'root-path',
    anchors: ROOTS.map((name) => `/${name}/`),
    pattern: String.raw`(?<=${EDGE})\/(?:${ROOTS.join('|')})\/(?=[^${STOP}])${REST}`,
    form: 'path',
  },
  {
    // The last folder of a user may be "Alice Smith" with nothing after it.
    name: 'windows-path',
    anchors: [':\\', ':/'],
    pattern: String.raw`(?<=${edge(String.raw`A-Za-z0-9_\\`)}(?<lead>[A-Za-z])):(?:${SLASH}Users${SLASH}${NAME}{1,64}(?: [A-Z]${NAME}{0,31}){0,2}|(?<=[A-Z]:)${SLASH}${NAME}{2,255}(?: ${NAME}{1,64}(?: ${NAME}{1,64}){0,3}(?=\\))?)${WINDOWS_REST}`,
    form: 'path',
  },
  {
    // `\\x00-\\x7F` is a range of a regular expression.
    name: 'unc-path',
    anchors: ['\\\\'],
    pattern: String.raw`(?<![\w\\:])(?:\\\\){1,8}(?!x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})(?:[?.]\\{1,8}UNC\\{1,8})?[A-Za-z][A-Za-z0-9._-]{2,63}\\{1,8}[A-Za-z0-9_$]${NAME}{1,63}${WINDOWS_REST}`,
    form: 'path',
  },
];
