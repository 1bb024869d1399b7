import type { ConversationMessage } from '../../agents/conversation.ts';
import { linksOf, type LinkContext } from '../links/links-of.ts';
import { parsePullRequest } from '../links/pull-request.ts';
import type { GitLink } from './session-store.ts';
import type { TranscriptHead } from './transcript.ts';

/** What a store needs to know about commits and pull requests: it finds them when a message is written. */
export interface LinkFinder {
  /** Commits, pushes and pull requests of one message, which is masked already. Pure; never throws. */
  linksOf(message: ConversationMessage, context: LinkContext): GitLink[];
  /** The form in which `linksOf` writes a pull request's URL; null: this is none. `#7` needs the repository. */
  canonicalUrl(url: string, repository: string | null): string | null;
}

/** What `src/sessions/links` finds. */
export const gitLinks: LinkFinder = {
  linksOf,
  canonicalUrl: (url, repository) => parsePullRequest(url, repository)?.url ?? null,
};

/** What the links of a session's messages depend on besides the messages. */
export function contextOf({ key, project, git_branch, cwd }: TranscriptHead): LinkContext {
  return { key, repository: repositoryOf(project), branch: git_branch, cwd };
}

/** The repository that a session's project names: `host/owner/repository`. Labels and hashes name none. */
export function repositoryOf(project: string): string | null {
  return /^[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:\/[^/\s]+){2,}$/.test(project) ? project : null;
}

/** Confidence as rows hold it: the smaller, the surer. */
export const DOUBT: Readonly<Record<GitLink['confidence'], number>> = { high: 0, medium: 1, low: 2 };
export const CONFIDENCE = ['high', 'medium', 'low'] as const;
