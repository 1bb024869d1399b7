import { join } from 'node:path';
import { parseRepositoryRules, REPOSITORY_FILE, type RepositoryRules } from '../config/repository.ts';
import { expandHome, globMatcher } from '../platform/glob.ts';
import type { Workspace } from '../telemetry/capture/workspace-context.ts';
import { readIfThere } from './home.ts';

export interface CaptureRulesOptions {
  /** `capture.exclude`: globs over paths (`~/private/**`) and repositories (`github.com/acme/payroll`). */
  exclude: readonly string[];
  user_home: string;
  /** Told once for each key of a repository's file that was not followed. */
  report: (message: string) => void;
}

/**
 * What is read at all: the configuration's exclusions, and each repository's own `.syncline.toml`, which can only
 * narrow. The file is read once a run for each repository.
 */
export class CaptureRules {
  readonly #options: CaptureRulesOptions;
  readonly #excluded: ((text: string) => boolean)[];
  readonly #repositories = new Map<string, RepositoryRules>();

  constructor(options: CaptureRulesOptions) {
    this.#options = options;
    this.#excluded = options.exclude.map((glob) => globMatcher(expandHome(glob, options.user_home)));
  }

  allows(workspace: Workspace, cwd: string | null): boolean {
    const names = cwd === null ? [workspace.identity] : [workspace.identity, cwd, `${cwd}/`];
    if (this.#excluded.some((matches) => names.some(matches))) return false;
    if (workspace.root === null) return true;
    const rules = this.#rulesOf(workspace.root);
    if (!rules.capture) return false;
    const { root } = workspace;
    return !rules.exclude.some((glob) => cwd !== null && globMatcher(join(root, glob))(cwd));
  }

  #rulesOf(root: string): RepositoryRules {
    const known = this.#repositories.get(root);
    if (known) return known;
    const text = readIfThere(join(root, REPOSITORY_FILE));
    const { rules, refused } = parseRepositoryRules(text ?? '');
    for (const { key, line, reason } of refused)
      this.#options.report(`a repository's ${REPOSITORY_FILE}, line ${line}: ${key === '' ? '' : `${key}: `}${reason}`);
    this.#repositories.set(root, rules);
    return rules;
  }
}
