/**
 * `.syncline.toml` of a repository. It can only narrow: cloning a repository must never point somebody's telemetry
 * elsewhere or switch anything on (product page §2), so every other key is refused and reported.
 */
import { parse, TomlError } from 'smol-toml';
import { formatPath, tomlPositions } from '../platform/toml-positions.ts';

export const REPOSITORY_FILE = '.syncline.toml';

/** What a repository asks to be left out. All members only take away. */
export interface RepositoryRules {
  /** False: nothing of this repository is read at all. */
  capture: boolean;
  /** False: its conversations never leave the machine (`share = "none"`). */
  share: boolean;
  /** Paths in the repository that are never read. */
  exclude: string[];
}

/** A key that was not followed. */
export interface RefusedKey {
  key: string;
  line: number;
  reason: string;
}

const NOTHING_LEFT_OUT: RepositoryRules = { capture: true, share: true, exclude: [] };

/** The rules in a file's text, and what in it was refused. Never throws: somebody else's file must not stop us. */
export function parseRepositoryRules(text: string): { rules: RepositoryRules; refused: RefusedKey[] } {
  let tree: Record<string, unknown>;
  try {
    tree = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Its author wanted to leave something out and we cannot tell what, so all of it is.
    const reason = 'not valid TOML, so nothing of this repository is read until it is repaired';
    return { rules: { capture: false, share: false, exclude: [] }, refused: [{ key: '', line: error.line, reason }] };
  }
  const positions = tomlPositions(text);
  const rules = { ...NOTHING_LEFT_OUT };
  const refused: RefusedKey[] = [];
  for (const [key, value] of Object.entries(tree)) {
    const reason = follow(rules, key, value);
    if (reason !== null) refused.push({ key, line: positions.get(formatPath([key]))?.line ?? 1, reason });
  }
  return { rules, refused };
}

/** Follows one key, or says why not. A key that narrows but has a wrong value is taken as the narrowest. */
function follow(rules: RepositoryRules, key: string, value: unknown): string | null {
  switch (key) {
    case 'capture':
      if (value === true) return 'a repository can only switch capture off';
      rules.capture = false;
      return value === false ? null : 'must be false; taken as false';
    case 'share':
      if (value === 'projects' || value === 'all') return 'a repository can only set share = "none"';
      rules.share = false;
      return value === 'none' ? null : 'must be "none"; taken as "none"';
    case 'exclude':
      if (Array.isArray(value) && value.every((item) => typeof item === 'string')) {
        rules.exclude = value;
        return null;
      }
      rules.capture = false;
      return 'must be a list of paths; until then nothing of this repository is read';
    default:
      return 'a repository can only narrow what is read and shared: capture = false, share = "none", exclude';
  }
}
