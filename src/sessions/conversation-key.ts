import type { Hashing } from '../redaction/hash-forms.ts';

/** Archive of Claude Code's own sessions of a machine, whichever reader tells them. */
export const CLAUDE_ARCHIVE = 'claude';

export const CONVERSATION_KEY = /^[0-9a-f]{32}$/;

/** The key of a session everywhere: native ids collide across machines and archives (sessions specification E14). */
export function conversationKey(hashing: Hashing, device: string, archive: string, native_id: string): string {
  return hashing.digestHex(JSON.stringify(['session', device, archive, native_id])).slice(0, 32);
}
