import type { ConversationHead } from '../../agents/conversation.ts';
import type { Tally } from '../../redaction/report.ts';
import type { TranscriptHead } from '../store/transcript.ts';
import type { Masker } from './masker.ts';

/** The texts of a head, masked: what a store's head takes from it as it is. */
export type MaskedHead = Pick<
  TranscriptHead,
  | 'native_id'
  | 'agent'
  | 'agent_version'
  | 'cwd'
  | 'git_branch'
  | 'title'
  | 'first_message'
  | 'started_at_ms'
  | 'ended_at_ms'
  | 'relationship'
  | 'termination_status'
  | 'is_automated'
  | 'is_truncated'
  | 'total_output_tokens'
  | 'peak_context_tokens'
  | 'starred_at_ms'
  | 'pins'
  | 'presence'
>;

/** A head with every text of it masked (lore left titles, notes and branches in clear). Idempotent; never throws. */
export function maskHead(masker: Masker, head: ConversationHead, tally: Tally): MaskedHead {
  const name = (value: string | null): string | null => (value === null ? null : masker.name(value, tally));
  const text = (value: string | null): string | null => (value === null ? null : masker.text(value, tally));
  return {
    native_id: masker.nativeId(head.native_id, tally),
    agent: masker.name(head.agent, tally),
    agent_version: name(head.agent_version),
    cwd: head.cwd === null ? null : masker.path(head.cwd, tally),
    git_branch: name(head.git_branch),
    title: text(head.title),
    first_message: text(head.first_message),
    started_at_ms: head.started_at_ms,
    ended_at_ms: head.ended_at_ms,
    relationship: head.relationship,
    termination_status: name(head.termination_status),
    is_automated: head.is_automated,
    is_truncated: head.is_truncated,
    total_output_tokens: head.total_output_tokens,
    peak_context_tokens: head.peak_context_tokens,
    starred_at_ms: head.starred_at_ms,
    pins: head.pins.map(({ ordinal, note, created_at_ms }) => ({ ordinal, note: text(note), created_at_ms })),
    presence: head.presence,
  };
}
