/** What the sessions flow takes of Claude Code's transcripts. */
export { openConversation, type ClaudeConversation, type ConversationOptions } from './conversation.ts';
export { nativeIdOf } from './conversation-head.ts';
export { listProjectTranscripts, listTranscripts, type StampedTranscript, type TranscriptListing } from './discover.ts';
export { fileStamp } from './file-mark.ts';
export { firstUuidOf, openingOf, originalOf } from './fork.ts';
