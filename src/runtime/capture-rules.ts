import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseRepositoryRules, REPOSITORY_FILE } from '../config/repository.ts';
import type { Clock } from '../platform/clock.ts';
import { expandHome, globMatcher } from '../platform/glob.ts';
import type { Workspace } from '../telemetry/capture/workspace-context.ts';

export interface CaptureRulesOptions {
  /** `capture.exclude`: globs over paths (`~/private/**`) and repositories (`github.com/acme/payroll`). */
  exclude: readonly string[];
  user_home: string;
  clock: Clock;
  /** Told once for each key of a repository's file that was not followed. */
  report: (message: string) => void;
}

/** How old a repository's rules may be: who adds the file while Syncline runs is heard soon. */
const RULES_FRESH_MS = 5_000;

const NO_SUCH_FILE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE']);

/** Stands for a file that cannot be read: no TOML, so that nothing of its repository is. */
const UNREADABLE = '\u0000';

/** The rules of one repository, ready to be asked. */
interface Repository {
  read_ms: number;
  text: string;
  capture: boolean;
  /** Null: its file cannot be understood; nothing of it is read, and nothing is concluded about sharing. */
  share: boolean | null;
  excluded: ((path: string) => boolean)[];
}

/**
 * What is read at all: the configuration's exclusions, and each repository's own `.syncline.toml`, which can only
 * narrow. The file is read again every few seconds of use.
 */
export class CaptureRules {
  readonly #options: CaptureRulesOptions;
  readonly #excluded: ((text: string) => boolean)[];
  readonly #repositories = new Map<string, Repository>();

  constructor(options: CaptureRulesOptions) {
    this.#options = options;
    this.#excluded = options.exclude.map((glob) => globMatcher(expandHome(glob, options.user_home)));
  }

  allows(workspace: Workspace, cwd: string | null): boolean {
    const names = cwd === null ? [workspace.identity] : [workspace.identity, cwd, `${cwd}/`];
    if (this.#excluded.some((matches) => names.some(matches))) return false;
    if (workspace.root === null) return true;
    const { capture, excluded } = this.#repository(workspace.root);
    return capture && !(cwd !== null && excluded.some((matches) => matches(cwd)));
  }

  /**
   * Whether a repository lets its conversations leave the machine; null: its folder is not there to be asked, or its file
   * cannot be understood.
   */
  shares(root: string): boolean | null {
    if (!existsSync(root)) return null;
    const { capture, share } = this.#repository(root);
    return share === null ? null : capture && share;
  }

  /** As `shares`, by its file as it is at this moment. */
  readShares(root: string): boolean | null {
    const known = this.#repositories.get(root);
    if (known) known.read_ms = -Infinity;
    return this.shares(root);
  }

  /** Changes when a repository's file does; null: its folder is not there. */
  markOf(root: string): string | null {
    const file = statSync(join(root, REPOSITORY_FILE), { throwIfNoEntry: false, bigint: true });
    if (file) return [file.ino, file.size, file.mtimeNs, file.ctimeNs].join(' ');
    return existsSync(root) ? 'none' : null;
  }

  #repository(root: string): Repository {
    const known = this.#repositories.get(root);
    const now_ms = this.#options.clock.monotonic_ms();
    if (known && now_ms - known.read_ms < RULES_FRESH_MS) return known;
    const text = this.#textIn(root);
    if (known?.text === text) {
      known.read_ms = now_ms;
      return known;
    }
    const { rules, refused } = parseRepositoryRules(text);
    for (const { key, line, reason } of text === UNREADABLE ? [] : refused)
      this.#options.report(`a repository's ${REPOSITORY_FILE}, line ${line}: ${key === '' ? '' : `${key}: `}${reason}`);
    const excluded = rules.exclude.map((glob) => globMatcher(join(root, glob)));
    const share = refused.some(({ key }) => key === '') ? null : rules.share;
    const repository = { read_ms: now_ms, text, capture: rules.capture, share, excluded };
    this.#repositories.set(root, repository);
    return repository;
  }

  /** The working directory is what a transcript says it is: it may be gone, a file by now, or no possible name. */
  #textIn(root: string): string {
    try {
      return readFileSync(join(root, REPOSITORY_FILE), 'utf8');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== undefined && NO_SUCH_FILE.has(code)) return '';
      if (!this.#repositories.has(root))
        this.#options.report(`a repository's ${REPOSITORY_FILE} cannot be read (${code ?? 'unknown'}): it is left out`);
      return UNREADABLE;
    }
  }
}
