/**
 * The reader of agentsview's database (sessions specification §2 and appendix A): read-only, whatever release wrote it.
 *
 * A round: `isQuiet` (two `stat` calls) → `openAgentsview` → `planRound` → `recentSessions` or `allSessions` → compare
 * marks with those kept → `readSession` for each whose transcript moved; `fatesOf` for known sessions that are absent →
 * `close`, keep `plan.next`.
 */
export { agentsviewDatabaseAt, agentsviewPlaces, type AgentsviewPlace } from './places.ts';
export { openAgentsview, type AgentsviewDatabase, type OpenOptions } from './open.ts';
export { isQuiet, planRound, type RoundPlan, type RoundState } from './round.ts';
export {
  isNewerThanKnown,
  sourceIdentity,
  type Continuation,
  type EpochReason,
  type SourceIdentity,
} from './identity.ts';
export { allSessions, recentSessions, sessionsById } from './sessions.ts';
export type { SessionMark } from './marks.ts';
export { contentFingerprint } from './content-fingerprint.ts';
export type { Presence } from './presence.ts';
export { deletionsAfter, fatesOf, tellsDeletions, type Fate, type JournaledDeletions } from './deletions.ts';
export {
  SEGMENT_ORDINALS,
  SessionPass,
  readSession,
  type MessageSegment,
  type ReadOptions,
  type SegmentVisitor,
  type SessionReading,
} from './messages.ts';
export { titleOf, type AgentsviewSession, type SessionPlace } from './session.ts';
export type { Pin } from './curation.ts';
export type { AgentsviewMessage } from './message.ts';
export type { ToolCall, ToolResult, ToolResultEvent } from './tool-call.ts';
export { conversationMessageOf, conversationSegmentOf, headOf } from './conversation.ts';
