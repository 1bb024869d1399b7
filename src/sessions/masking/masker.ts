import type { Clock } from '../../platform/clock.ts';
import type { Hashing } from '../../redaction/hash-forms.ts';
import { CONVERSATION_POLICY } from '../../redaction/policy.ts';
import { createRedactor, type RedactionLimits } from '../../redaction/redactor.ts';
import { count, type Tally } from '../../redaction/report.ts';
import type { Rule } from '../../redaction/rule.ts';
import { relativeTo } from './workspace-root.ts';

/** Most UTF-16 units of a name (tool, model, path, id): what no store and no wire takes is cut. */
export const MAX_NAME_CHARS = 4096;

/** Raised when what the functions of this folder make of the same text changes: everything is masked again then. */
const MASKING = 'm2';

/** The second changes nothing as a rule; only texts in which something was removed are gone over again. */
const MOST_PASSES = 4;

export interface MaskerOptions {
  hashing: Hashing;
  /** Of whom it is masked for: the machine's for the local store, the team's for a team. */
  salt: Uint8Array;
  /** Identity of the session's workspace; part of the hashes that stand for paths. */
  workspace: string;
  /** Folder of the checkout; paths below it become relative. Null: unknown. */
  root: string | null;
  tags?: boolean;
  extra_rules?: readonly Rule[];
  limits?: Partial<RedactionLimits>;
  clock?: Clock;
}

/** Removes secrets and personal paths from the texts of one workspace's conversations (R10, R23). Never throws. */
export interface Masker {
  /** Names the rules in force. */
  readonly rule_set: string;
  /** Changes whenever the same text could come out otherwise: rules, salt, workspace, folder. No content. */
  readonly id: string;
  /** What was said or came out: text, and JSON where the text is some. What fired is added to `tally`. Idempotent. */
  text(text: string, tally: Tally): string;
  /** JSON text as an agent gave it; what was valid JSON stays so. */
  json(text: string, tally: Tally): string;
  /** A short text that names something. */
  name(text: string, tally: Tally): string;
  /** A field that is a path as a whole, blanks and all; below the workspace's folder it becomes relative. */
  path(path: string, tally: Tally): string;
  /** An agent's or viewer's id; a viewer puts the host of a remote session before it (`host~id`). */
  nativeId(id: string, tally: Tally): string;
}

export function createMasker(options: MaskerOptions): Masker {
  const { root, hashing, salt, workspace } = options;
  const redactor = createRedactor({ ...options, policy: CONVERSATION_POLICY });
  const relative = relativeTo(root);

  // What no text may hold: PostgreSQL takes no NUL, UTF-8 has no half of a pair (A14).
  const storable = (text: string): string => {
    const whole = text.isWellFormed() ? text : text.toWellFormed();
    return whole.includes('\0') ? whole.replaceAll('\0', '\uFFFD') : whole;
  };
  const pass = (value: string, tally: Tally): string => {
    const masked = redactor.redactValue(relative(value), tally);
    return typeof masked === 'string' ? masked : JSON.stringify(masked);
  };
  // What goes may have hidden what follows it: the path in `ada@example.com/home/ada/shop` begins nowhere before.
  const text = (value: string, tally: Tally): string => {
    let before = storable(value);
    for (let round = 0; round < MOST_PASSES; round++) {
      const masked = pass(before, tally);
      if (masked === before) return masked;
      before = masked;
    }
    return before;
  };
  const name = (value: string, tally: Tally): string => short(text(short(value), tally));

  return {
    rule_set: `${redactor.rule_set}${MASKING}`,
    id: `${redactor.rule_set}${MASKING}/${hashing.hashWithSalt(salt, JSON.stringify(['mask', workspace, root])).slice(7, 23)}`,
    text,
    json: (value, tally) => jsonText(value, (part) => text(part, tally)),
    name,
    path: (path, tally) =>
      name(
        withoutBlanks(relative(path), (part) => text(part, tally)),
        tally,
      ).replace(/^\.\/(?=.)/, ''),
    nativeId: (id, tally) => {
      const [, host, rest] = /^([^~]{1,255})~(.*)$/s.exec(id) ?? [];
      if (host === undefined || rest === undefined || /^h-[0-9a-f]{8}$/.test(host)) return name(id, tally);
      count(tally, 'host');
      return `h-${hashing.hashWithSalt(salt, `host:${host}`).slice(7, 15)}~${name(rest, tally)}`;
    },
  };
}

function short(value: string): string {
  return value.length <= MAX_NAME_CHARS ? value : `${value.slice(0, MAX_NAME_CHARS - 1).toWellFormed()}…`;
}

/** A JSON string is masked as the text it stands for: rules on its spelling could eat the quote or an escape. */
function jsonText(value: string, mask: (text: string) => string): string {
  if (!/^\s*"/.test(value)) return mask(value);
  try {
    const parsed: unknown = JSON.parse(value);
    if (typeof parsed !== 'string') return mask(value);
    const masked = mask(parsed);
    return masked === parsed ? value : JSON.stringify(masked);
  } catch {
    // Not JSON (a cut input): text.
    return mask(value);
  }
}

/** The path rules end at a blank, where text does; between quotes they know the end. */
function withoutBlanks(path: string, mask: (text: string) => string): string {
  if (!path.startsWith('/') || !/[\s']/.test(path) || path.includes('"')) return path;
  const quoted = mask(`"${path}"`);
  return quoted.startsWith('"') && quoted.endsWith('"') ? quoted.slice(1, -1) : path;
}
