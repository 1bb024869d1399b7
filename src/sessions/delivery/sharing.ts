import { expandHome, globMatcher } from '../../platform/glob.ts';
import type { SessionProject } from './session-project.ts';

/** What the configuration says about conversations at one destination (R1). */
export interface SharingConfig {
  /** `sessions.share`. */
  share: 'none' | 'projects' | 'all';
  /** `sessions.projects`: the projects of `share = "projects"`. */
  projects: readonly string[];
  /** `team.projects`: nothing else may leave, whatever `share` says. */
  team_projects: readonly string[];
  /** `sessions.hold`. */
  hold_ms: number;
  /** Sessions that began before are history that nobody was asked about (R2); null: all of it was asked for. */
  since_ms: number | null;
  user_home: string;
}

/** What is known of the session that is asked about. */
export interface SharingFacts {
  project: SessionProject;
  /** A person took it out (`sessions unshare`). */
  unshared: boolean;
  /** It is at the destination already. */
  linked: boolean;
  started_at_ms: number | null;
}

export type SharingDecision =
  /** What is older than `hold_ms` may leave. */
  | { kind: 'send'; hold_ms: number }
  /** It may not be there; where it is, a person withdrew it, and it is deleted there. */
  | { kind: 'not_shared'; reason: 'share_none' | 'unshared' | 'project' | 'repository' | 'history' | 'unknown_project' }
  /** It cannot be told now (its folder is gone): what is there stays, and nothing more leaves. */
  | { kind: 'undecided' };

/** The local store: everything, at once. */
export const KEEP_ALL: SharingPolicy = { decide: () => ({ kind: 'send', hold_ms: 0 }) };

export interface SharingPolicy {
  decide(facts: SharingFacts): SharingDecision;
}

/**
 * Who may see which conversation (R1). Sessions leave only for a project that is named, and a repository's own
 * `share = "none"` holds whatever the configuration says. Pure.
 */
export function sharingPolicy(config: SharingConfig): SharingPolicy {
  const matchers = (globs: readonly string[]): ((identity: string) => boolean) => {
    const named = globs.map((glob) => globMatcher(expandHome(glob, config.user_home)));
    return (identity) => named.some((matches) => matches(identity));
  };
  const of_team = matchers(config.team_projects);
  const listed = config.share === 'projects' ? matchers(config.projects) : () => true;
  return {
    decide: ({ project, unshared, linked, started_at_ms }) => {
      if (config.share === 'none') return { kind: 'not_shared', reason: 'share_none' };
      if (unshared) return { kind: 'not_shared', reason: 'unshared' };
      if (project.shares === false) return { kind: 'not_shared', reason: 'repository' };
      if (project.identity === null)
        return linked ? { kind: 'undecided' } : { kind: 'not_shared', reason: 'unknown_project' };
      if (!of_team(project.identity) || !listed(project.identity)) return { kind: 'not_shared', reason: 'project' };
      // Its folder went before its rules were ever read: they may have said no.
      if (project.shares === null) return { kind: 'undecided' };
      const is_history = config.since_ms !== null && (started_at_ms ?? 0) < config.since_ms;
      if (is_history && !linked) return { kind: 'not_shared', reason: 'history' };
      return { kind: 'send', hold_ms: config.hold_ms };
    },
  };
}
