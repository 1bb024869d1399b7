import type { ConversationToolCall } from '../../agents/conversation.ts';

/** Categories of calls that change a file. */
const EDITS = new Set(['Edit', 'Write']);

/** A path with slashes, without `./` at its beginning. */
export function plainPath(path: string): string {
  return path.replaceAll('\\', '/').replace(/^(?:\.\/+)+/, '');
}

export function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The file that a call edits, as `plainPath` writes it; null: none, or it does not say which. */
export function editedFile({ category, file_path }: ConversationToolCall): string | null {
  if (!EDITS.has(category) || file_path === null) return null;
  const path = plainPath(file_path);
  return fileName(path) === '' ? null : path;
}
