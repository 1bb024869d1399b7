import type { ConversationMessage, ConversationToolCall, ConversationUsage } from '../conversation.ts';
import { MAX_TEXT_BYTES, cutText } from '../cut-text.ts';
import type { Usage } from '../event.ts';
import { mergeBlocks } from './blocks.ts';
import { wholeSaid, type ConversationLine } from './conversation-lines.ts';
import type { PlannedMessage } from './conversation-plan.ts';
import { readPersistedOutput } from './persisted-output.ts';
import type { SaidLine, SaidResponse } from './said-line.ts';
import type { SaidBlock, SaidCall, SaidResult } from './said-tool.ts';
import type { SubagentLinks } from './subagent-links.ts';
import { toolCategory } from './tool-category.ts';
import { contextOf, greaterUsage } from './usage.ts';

/** Parts of a response are paragraphs of one message. */
const BETWEEN_PARTS = '\n';

/**
 * The message that `planned` is, at its place. Reads again what was not held, and outputs that were saved in files.
 * @throws StaleError `agents.transcript_rewritten`
 */
export async function conversationMessage(
  planned: PlannedMessage,
  ordinal: number,
  links: SubagentLinks,
): Promise<ConversationMessage> {
  const [first] = planned.lines;
  const pieces: SaidLine[] = [];
  for (const line of planned.lines) pieces.push(await wholeSaid(line));
  const responses = pieces.filter((said) => said.is === 'response');
  const own = responses.length > 0 ? await responseMessage(responses, planned, links) : plainMessage(pieces);
  return {
    ordinal,
    timestamp_ms: first?.ts_ms ?? null,
    is_sidechain: planned.sidechain,
    source_uuid: first?.tree.uuid ?? null,
    ...own,
  };
}

type OwnParts = Omit<ConversationMessage, 'ordinal' | 'timestamp_ms' | 'is_sidechain' | 'source_uuid'>;

const EMPTY: OwnParts = {
  role: 'system',
  content: '',
  thinking: null,
  model: null,
  is_system: true,
  is_compact_boundary: false,
  usage: null,
  tool_calls: [],
  cut_bytes: 0,
};

/** What a line says whole, or a compaction: its summary, else the words at its boundary. */
function plainMessage(pieces: readonly SaidLine[]): OwnParts {
  const said = pieces.findLast((piece) => 'content' in piece && piece.content !== '') ?? pieces.at(-1);
  switch (said?.is) {
    case 'message': {
      const { role, content, cut_bytes } = said;
      return { ...EMPTY, role, content, cut_bytes, is_system: role !== 'user' };
    }
    case 'compaction':
      return { ...EMPTY, content: said.content, cut_bytes: said.cut_bytes, is_compact_boundary: true };
    default:
      return EMPTY;
  }
}

async function responseMessage(
  pieces: readonly SaidResponse[],
  planned: PlannedMessage,
  links: SubagentLinks,
): Promise<OwnParts> {
  const blocks = mergedBlocks(pieces);
  const content = joined(blocks, 'text');
  const thinking = joined(blocks, 'thinking');
  const calls: CallReading[] = [];
  for (const { call } of blocks) if (call !== null) calls.push(await callReading(call, calls.length, planned, links));
  const cut_in_lines = pieces.reduce((sum, piece) => sum + piece.cut_bytes, 0);
  const cut_in_results = calls.reduce((sum, { cut_bytes }) => sum + cut_bytes, 0);
  return {
    ...EMPTY,
    role: 'assistant',
    content: content.text,
    thinking: thinking.text === '' ? null : thinking.text,
    model: pieces.findLast(({ model }) => model !== null)?.model ?? null,
    is_system: false,
    usage: usageTold(pieces.map(({ usage }) => usage).reduce(greaterUsage, null)),
    tool_calls: calls.map(({ call }) => call),
    cut_bytes: cut_in_lines + cut_in_results + content.cut_bytes + thinking.cut_bytes,
  };
}

function mergedBlocks(pieces: readonly SaidResponse[]): SaidBlock[] {
  let blocks: SaidBlock[] = [];
  let ended = false;
  for (const piece of pieces) {
    blocks = mergeBlocks(blocks, piece.blocks, ended);
    ended ||= piece.stop_reason === 'end_turn';
  }
  return blocks;
}

function joined(blocks: readonly SaidBlock[], type: string): { text: string; cut_bytes: number } {
  const texts = blocks.filter((block) => block.type === type).map(({ text }) => text);
  return cutText(texts.join(BETWEEN_PARTS));
}

function usageTold(usage: Usage | null): ConversationUsage | null {
  if (usage === null) return null;
  return {
    input_tokens: usage.input,
    output_tokens: usage.output,
    cache_read_tokens: usage.cache_read,
    cache_write_tokens: usage.cache_write_5m + usage.cache_write_1h,
    context_tokens: contextOf(usage),
  };
}

interface CallReading {
  call: ConversationToolCall;
  /** Cut from its result; what was cut from its input is counted with its line. */
  cut_bytes: number;
}

async function callReading(
  said: SaidCall,
  index: number,
  planned: PlannedMessage,
  links: SubagentLinks,
): Promise<CallReading> {
  const { tool_use_id, tool_name } = said;
  const category = toolCategory(tool_name);
  const line = tool_use_id === null ? undefined : planned.results.get(tool_use_id);
  const result = line === undefined || tool_use_id === null ? null : await wholeResult(line, tool_use_id);
  const output = line === undefined || result === null ? null : await outputOf(line, result);
  return {
    call: {
      index,
      tool_use_id,
      tool_name,
      category,
      input_json: said.input_json,
      skill_name: said.skill_name,
      file_path: said.file_path,
      subagent_native_id: await links.of(tool_use_id, result?.agent_id ?? null, category),
      result: output?.text ?? null,
      result_bytes: output?.bytes ?? null,
      is_error: result?.is_error ?? false,
      result_at_ms: line?.ts_ms ?? null,
    },
    cut_bytes: output?.cut_bytes ?? 0,
  };
}

async function wholeResult(line: ConversationLine, tool_use_id: string): Promise<SaidResult | null> {
  const said = await wholeSaid(line);
  if (said.is !== 'results' && said.is !== 'response') return null;
  return said.results.find((result) => result.tool_use_id === tool_use_id) ?? null;
}

interface Output {
  text: string;
  bytes: number;
  cut_bytes: number;
}

/** The saved output where there is one that may be opened, else what stands in the line: its beginning, mostly. */
async function outputOf(line: ConversationLine, result: SaidResult): Promise<Output> {
  const { text, cut_bytes, persisted_path } = result;
  if (persisted_path !== null) {
    const saved = await readPersistedOutput(line.transcript.file, persisted_path, MAX_TEXT_BYTES);
    if (saved.ok) {
      const cut = cutText(saved.text);
      const left_out = saved.truncated ? saved.bytes - Buffer.byteLength(saved.text) : 0;
      return { text: cut.text, bytes: saved.bytes, cut_bytes: Math.max(0, left_out) + cut.cut_bytes };
    }
  }
  return { text, bytes: Buffer.byteLength(text) + cut_bytes, cut_bytes };
}
