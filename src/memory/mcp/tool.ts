/** What a tool of the memory server is, and what it works with. */
import { z } from 'zod';
import type { Random } from '../../platform/random.ts';
import type { Caller, WriteOptions, Written } from '../memories.ts';
import type { MemoryAccess } from '../memory-access.ts';

export const FAMILIES = ['core', 'lifecycle', 'links', 'archive', 'governance', 'agents', 'operations'] as const;
export type Family = (typeof FAMILIES)[number];

/** One call of a tool. */
export interface ToolCall {
  access: MemoryAccess;
  caller: Caller;
  random: Random;
  /** `source` of what it stores. */
  source: string;
  /** Names of the tools that this client has, and the others by family. */
  loaded: readonly string[];
  unloaded: Readonly<Record<string, readonly string[]>>;
  version: string;
}

export interface Tool {
  name: string;
  family: Family;
  /** Changes something: only for callers that may. */
  writes: boolean;
  /** May remove what was there. */
  destroys: boolean;
  description: string;
  input: z.ZodObject;
  /** The text of the answer. @throws SynclineError, told to the model as the tool's error. */
  run(call: ToolCall, input: unknown): Promise<string>;
}

interface Declaration<Input extends z.ZodObject> extends Omit<Tool, 'run' | 'input' | 'writes' | 'destroys'> {
  writes?: boolean;
  destroys?: boolean;
  input: Input;
  run(call: ToolCall, input: z.output<Input>): Promise<string>;
}

export function tool<Input extends z.ZodObject>(declaration: Declaration<Input>): Tool {
  const { destroys = false, writes = destroys, ...rest } = declaration;
  return { ...rest, writes, destroys, run: (call, input) => declaration.run(call, input as z.output<Input>) };
}

export function writing({ caller }: ToolCall): WriteOptions {
  return { caller };
}

/**
 * The answer of a write with how far it got. It waits for the members that the configuration wants, for a bounded time, and
 * never fails for lack of them (R13): the write is durable here and goes on to the others by itself.
 */
export async function writtenAnswer(
  { access }: ToolCall,
  written: Written<unknown>,
  answer: Record<string, unknown>,
): Promise<string> {
  const { write_quorum, quorum_timeout_ms } = await access.settings();
  const { operation, durable_on, members } = written.receipt;
  const wait = operation !== null && durable_on < write_quorum && write_quorum <= members;
  const receipt = wait ? await access.waitDurable(operation, write_quorum, quorum_timeout_ms) : written.receipt;
  const redacted = Object.keys(written.redacted).length > 0 ? { redacted: written.redacted } : {};
  return JSON.stringify({
    ...answer,
    durable_on: `${receipt.durable_on} of ${receipt.members}`,
    receipt: receipt.operation,
    ...redacted,
  });
}

/** Fields that several tools take, in the original's names. */
export const text = z.string();
export const namespaceField = z.string().describe('Like global or team/ops.').optional();
export const tierField = z.enum(['short', 'mid', 'long']).describe('short 6 h, mid 7 d, long for ever.').optional();
export const tagsField = z
  .union([z.array(z.string()), z.string()])
  .describe('A list, or one text with commas.')
  .optional();
export const sinceField = z.string().describe('RFC 3339, on the time of creation.').optional();
export const agentField = z.string().describe('Who writes; default: this client.').optional();
export const idField = z.string().describe('Id of a memory.');

export function tagList(tags: string | readonly string[] | undefined): string[] | undefined {
  if (tags === undefined) return undefined;
  const list = typeof tags === 'string' ? tags.split(',') : tags;
  return list.map((tag) => tag.trim()).filter((tag) => tag !== '');
}
