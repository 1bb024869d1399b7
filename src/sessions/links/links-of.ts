import type { ConversationMessage } from '../../agents/conversation.ts';
import type { GitLink } from '../store/session-store.ts';

/** What is known of the session a message stands in. */
export interface LinkContext {
  /** The session's key. */
  key: string;
  /** `host/owner/repository` of the session; null: unknown. */
  repository: string | null;
  branch: string | null;
  /** Where the session works, where the store may know it: tells a commit made in another folder from one of its own. */
  cwd?: string | null;
}

/** The commits, pushes, pull and merge requests that a message's tool calls made or show. Pure; never throws. */
export function linksOf(_message: ConversationMessage, _context: LinkContext): GitLink[] {
  return [];
}
