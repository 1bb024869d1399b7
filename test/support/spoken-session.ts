/** Transcripts of Claude Code with known words in known messages, for tests of what is kept and who may see it. */
import { assistantLine, promptLine, resultLine, toolUse, type LineFields } from './claude-transcripts.ts';
import type { Machine } from './machine.ts';

export interface SpokenSession {
  id: string;
  /** Folder of the checkout. */
  cwd: string;
  /** When its first message was written. */
  at_ms: number;
  /** What the person says first; the answer repeats its words. */
  text: string;
  /** Prompts, each with one answer; a minute apart unless told otherwise. */
  turns?: number;
  apart_ms?: number;
}

/** Messages of one turn: the prompt and the answer, which carries a tool call and its result. */
export const MESSAGES_PER_TURN = 2;

/** The lines of a session: in each turn a prompt, an answer with a tool call, and the result of that call. */
export function spokenLines(session: SpokenSession): string {
  const { turns = 1 } = session;
  return Array.from({ length: turns }, (_, turn) => spokenTurn(session, turn)).join('');
}

/** One turn of it, numbered from 0; `result: false` leaves the result out, to come late. */
export function spokenTurn(session: SpokenSession, turn: number, { result = true } = {}): string {
  const { id, text } = session;
  const name = `${id}-${turn}`;
  const before = turn === 0 ? null : `a-${id}-${turn - 1}`;
  return [
    promptLine(`u-${name}`, `${text} turn ${turn}`, { ...fieldsAt(session, turn), parentUuid: before }),
    assistantLine({
      uuid: `a-${name}`,
      id: `msg_${name}`,
      content: [
        { type: 'text', text: `answer about ${text} turn ${turn}` },
        toolUse(`toolu_${name}`, 'Bash', { command: `echo ${text}` }),
      ],
      stop_reason: 'tool_use',
      fields: { ...fieldsAt(session, turn), parentUuid: `u-${name}` },
    }),
    ...(result ? [spokenResult(session, turn, `output of ${text} turn ${turn}`)] : []),
  ].join('');
}

/** The result of a turn's tool call. */
export function spokenResult(session: SpokenSession, turn: number, output: string): string {
  const name = `${session.id}-${turn}`;
  const fields = { ...fieldsAt(session, turn), parentUuid: `a-${name}` };
  return resultLine(`r-${name}`, `toolu_${name}`, fields, { content: output });
}

/** Writes it where Claude Code does, and returns the file. */
export function speak(machine: Machine, session: SpokenSession): string {
  return machine.write(transcriptPath(session), spokenLines(session));
}

/** Below the machine's home. */
export function transcriptPath({ id, cwd }: Pick<SpokenSession, 'id' | 'cwd'>): string {
  return `.claude/projects/${cwd.replaceAll(/[^A-Za-z0-9]/g, '-')}/${id}.jsonl`;
}

function fieldsAt({ id, cwd, at_ms, apart_ms = 60_000 }: SpokenSession, turn: number): LineFields {
  return { sessionId: id, cwd, timestamp: new Date(at_ms + turn * apart_ms).toISOString() };
}
