import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  TranscriptFolder,
  assistantLine,
  promptLine,
  resultLine,
  toolUse,
  transcriptLine,
  type LineFields,
} from '../../../test/support/claude-transcripts.ts';
import { wholeConversation } from '../../../test/support/claude-conversations.ts';
import type { ConversationMessage } from '../conversation.ts';

let folder: TranscriptFolder;
beforeEach(() => (folder = new TranscriptFolder()));
afterEach(() => folder.remove());

async function messagesOf(text: string | Buffer): Promise<ConversationMessage[]> {
  folder.write('S1.jsonl', text);
  const conversation = await wholeConversation([folder.file('S1.jsonl')]);
  const messages = conversation?.messages ?? [];
  expect(messages.map(({ ordinal }) => ordinal)).toEqual(messages.map((_message, index) => index));
  return messages;
}

/** What Claude Code may write next; `Writer` knows where in the chain it goes. */
const step = fc.oneof(
  fc.record({
    what: fc.constant('prompt' as const),
    words: fc.constantFrom('go', 'on', '<bash-input>ls</bash-input>'),
  }),
  fc.record({
    what: fc.constant('response' as const),
    id: fc.constantFrom('msg_', 'msg_', 'gateway'),
    pieces: fc.array(fc.constantFrom('text', 'thinking', 'call'), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ what: fc.constant('result' as const), pick: fc.nat(), at_call: fc.boolean() }),
  fc.record({ what: fc.constantFrom('queued' as const, 'queued_bare', 'notice', 'meta', 'hook', 'mode', 'unknown') }),
  fc.record({ what: fc.constant('side' as const), root: fc.boolean() }),
  fc.record({ what: fc.constant('compaction' as const), preserved: fc.boolean() }),
  fc.record({ what: fc.constant('error' as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Writes lines as the agent does: appended, each behind the last, results at their calls or behind the last. */
class Writer {
  readonly lines: string[] = [];
  #last: string | null = null;
  #calls: { id: string; piece: string }[] = [];
  #count = 0;

  take(one: Step): void {
    switch (one.what) {
      case 'prompt':
        return this.#chain((uuid, fields) => promptLine(uuid, one.words, fields));
      case 'response':
        return this.#respond(one.id === 'msg_' ? `msg_${this.#count}` : 'chatcmpl-1', one.pieces);
      case 'result':
        return this.#answer(one.pick, one.at_call);
      case 'queued':
        return this.#chain((uuid, fields) => queued({ uuid, ...fields }));
      case 'queued_bare':
        return void this.lines.push(queued({ parentUuid: undefined }));
      case 'notice':
        return this.#chain((uuid, fields) => promptLine(uuid, '<bash-stdout>x</bash-stdout>', fields));
      case 'meta':
        return this.#chain((uuid, fields) => promptLine(uuid, 'meta', { ...fields, isMeta: true }));
      case 'hook':
        return this.#chain((uuid, fields) => transcriptLine({ type: 'system', subtype: 'stop_hook', uuid, ...fields }));
      case 'mode':
        return void this.lines.push('{"type":"mode","mode":"plan"}\n');
      case 'unknown':
        return this.#chain((uuid, fields) => transcriptLine({ type: 'new-thing', uuid, ...fields }));
      case 'side':
        return void this.lines.push(
          promptLine(this.#uuid(), 'aside', { isSidechain: true, parentUuid: one.root ? null : this.#last }),
        );
      case 'compaction':
        return this.#compact(one.preserved);
      case 'error':
        return this.#chain((uuid, fields) =>
          assistantLine({
            uuid,
            id: `e${uuid}`,
            model: '<synthetic>',
            content: [{ type: 'text', text: 'limit' }],
            fields,
          }),
        );
    }
  }

  #uuid(): string {
    return `uuid${this.#count++}`;
  }

  #chain(line: (uuid: string, fields: LineFields) => string): void {
    const uuid = this.#uuid();
    this.lines.push(line(uuid, { parentUuid: this.#last }));
    this.#last = uuid;
  }

  #respond(id: string, pieces: readonly string[]): void {
    const request = { requestId: `req_${this.#count}` };
    for (const piece of pieces) {
      this.#chain((uuid, fields) => {
        const call = `toolu_${uuid}`;
        if (piece === 'call') this.#calls.push({ id: call, piece: uuid });
        const block =
          piece === 'call' ? toolUse(call) : { type: piece, [piece]: `${piece} ${uuid}`, signature: undefined };
        return assistantLine({ uuid, id, content: [block], fields: { ...fields, ...request } });
      });
    }
  }

  #answer(pick: number, at_call: boolean): void {
    const [call] = this.#calls.splice(pick % Math.max(1, this.#calls.length), 1);
    if (call === undefined) return;
    const uuid = this.#uuid();
    this.lines.push(resultLine(uuid, call.id, { parentUuid: at_call ? call.piece : this.#last }));
    this.#last = uuid;
  }

  #compact(preserved: boolean): void {
    const tail = this.#last;
    const boundary = this.#uuid();
    const compactMetadata = preserved ? { preservedSegment: { tailUuid: tail } } : {};
    this.lines.push(
      transcriptLine({
        type: 'system',
        subtype: 'compact_boundary',
        content: 'compacted',
        uuid: boundary,
        parentUuid: null,
        logicalParentUuid: tail,
        compactMetadata,
      }),
    );
    const summary = this.#uuid();
    this.lines.push(promptLine(summary, 'summary', { parentUuid: boundary, isCompactSummary: true }));
    this.#last = preserved && tail !== null ? tail : summary;
  }
}

function queued(fields: LineFields): string {
  return transcriptLine({ type: 'attachment', attachment: { type: 'queued_command', prompt: 'also' }, ...fields });
}

/** `later` as it was when `before` was read: what may still come is taken away. */
function expectGrown(before: readonly ConversationMessage[], later: readonly ConversationMessage[]): void {
  expect(later.length).toBeGreaterThanOrEqual(before.length);
  before.forEach((message, index) => {
    const grown = later[index]!;
    const calls = grown.tool_calls.slice(0, message.tool_calls.length).map((call, place) => {
      const known = message.tool_calls[place]!;
      if (known.result === null && call.result !== null)
        return { ...call, result: null, result_bytes: null, result_at_ms: null };
      return call;
    });
    const { content, thinking } = message;
    // A response grows by its later pieces, a compaction by its summary.
    const grows = message.role === 'assistant' || message.is_compact_boundary;
    if (message.role === 'assistant') expect(grown.content.startsWith(content)).toBe(true);
    expect({ ...grown, tool_calls: calls, ...(grows ? { content, thinking } : {}) }).toEqual(message);
  });
}

it('keeps the place and the words of every message while a transcript grows line by line', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 16 }), async (steps) => {
      const writer = new Writer();
      for (const one of [{ what: 'prompt', words: 'go' } as const, ...steps]) writer.take(one);
      let before: ConversationMessage[] = [];
      for (let count = 1; count <= writer.lines.length; count++) {
        const later = await messagesOf(writer.lines.slice(0, count).join(''));
        expectGrown(before, later);
        before = later;
      }
      // Nothing that was typed is lost.
      const typed = steps.filter(({ what }) => what === 'prompt' || what.startsWith('queued')).length + 1;
      expect(before.filter(({ role, is_sidechain }) => role === 'user' && !is_sidechain)).toHaveLength(typed);
      const responses = steps.filter(({ what }) => what === 'response' || what === 'error').length;
      expect(before.filter(({ role }) => role === 'assistant')).toHaveLength(responses);
    }),
    { numRuns: 150 },
  );
});

it('reads whatever stands in a file, cut off anywhere', async () => {
  const uuid = fc.constantFrom('u1', 'u2', 'u3', undefined, 7);
  const block = fc.oneof(
    fc.constantFrom({ type: 'text', text: 'said' }, { type: 'text' }, { type: 'image', source: 3 }, null, 'text', {}),
    fc.constantFrom(toolUse('t1'), { type: 'tool_use' }, { type: 'tool_use', id: 't1', input: 'x' }),
    fc.constantFrom({ type: 'tool_result', tool_use_id: 't1', content: [null, { type: 'text', text: 'r' }] }),
  );
  const line = fc.oneof(
    fc
      .record({
        type: fc.constantFrom('user', 'assistant', 'system', 'attachment', 'progress', 'summary', 'x', null),
        uuid,
        parentUuid: uuid,
        logicalParentUuid: uuid,
        isSidechain: fc.constantFrom(true, false, 'yes'),
        isMeta: fc.constantFrom(true, false),
        subtype: fc.constantFrom('compact_boundary', 'local_command', undefined),
        content: fc.constantFrom('<command-name>', 'said', 4),
        attachment: fc.constantFrom({ type: 'queued_command', prompt: [block] }, { type: 'queued_command' }, null),
        message: fc.oneof(
          fc.record({ id: fc.constantFrom('msg_1', 'x', undefined), content: fc.array(block, { maxLength: 3 }) }),
          fc.constantFrom(null, 'text', { content: 'said' }, { content: 5 }),
        ),
        toolUseResult: fc.constantFrom(null, 'Error: no', { agentId: 5, persistedOutputPath: '/etc/passwd' }),
      })
      .map((body) => JSON.stringify(body)),
    fc.constantFrom('', 'not json', '[]', '{"type":"user"', '\u0000'),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 20 }), fc.nat(), async (lines, cut) => {
      const text = Buffer.from(`${lines.join('\n')}\n`);
      await messagesOf(text);
      await messagesOf(text.subarray(0, cut % text.length));
    }),
    { numRuns: 300 },
  );
});
