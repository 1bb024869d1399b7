import type { ConversationMessage } from '../../agents/conversation.ts';
import type { LinkContext } from '../links/links-of.ts';
import type { GitLink } from './session-store.ts';

/** What a store needs to know about commits and pull requests: it finds them when a message is written. */
export interface LinkFinder {
  /** Commits, pushes and pull requests of one message, which is masked already. Pure; never throws. */
  linksOf(message: ConversationMessage, context: LinkContext): GitLink[];
  /** The form in which `linksOf` writes a pull request's URL; null: this is none. */
  canonicalUrl(url: string): string | null;
}
