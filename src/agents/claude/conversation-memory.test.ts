import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  TranscriptFolder,
  assistantLine,
  promptLine,
  resultLine,
  toolUse,
} from '../../../test/support/claude-transcripts.ts';

let folder: TranscriptFolder;
beforeEach(() => (folder = new TranscriptFolder()));
afterEach(() => folder.remove());

const READER = `
  const { openConversation } = await import(process.argv[1]);
  const file = { agent: 'claude', path: process.argv[2], session_id: 'S1', subagent_id: null, size: 0, birth_ms: 0, mtime_ms: 0 };
  let bytes = 0, segments = 0;
  const options = { forked_from: null, signal: new AbortController().signal };
  const read = await openConversation([file], options);
  const cut_bytes = await read.tell(({ messages }) => {
    segments++;
    for (const { content, tool_calls } of messages)
      bytes += content.length + tool_calls.reduce((sum, { result }) => sum + (result?.length ?? 0), 0);
    return true;
  }, options);
  console.log(JSON.stringify({ messages: read.messages, segments, bytes, cut_bytes }));
`;

it('reads 100 MB of talk and 40 MB of pictures with a heap that could not hold them', async () => {
  const output = 'x'.repeat(50_000);
  const data = 'A'.repeat(2_000_000);
  for (let part = 0; part < 20; part++) {
    const lines: string[] = [];
    for (let turn = 0; turn < 100; turn++) {
      const id = `${part}-${turn}`;
      const parentUuid = part + turn === 0 ? null : turn === 0 ? `r${part - 1}-99` : `r${part}-${turn - 1}`;
      lines.push(
        assistantLine({ uuid: `a${id}`, id: `msg_${id}`, content: [toolUse(`toolu_${id}`)], fields: { parentUuid } }),
        resultLine(`r${id}`, `toolu_${id}`, { parentUuid: `a${id}` }, { content: output }),
      );
    }
    folder.append('S1.jsonl', lines.join(''));
    const picture = { type: 'image', source: { type: 'base64', media_type: 'image/png', data } };
    folder.append('S1.jsonl', promptLine(`p${part}`, [picture], { parentUuid: `r${part}-99` }));
  }
  const module = fileURLToPath(new URL('./conversation.ts', import.meta.url));
  const args = ['--max-old-space-size=100', '--input-type=module', '-e', READER, module, `${folder.path}/S1.jsonl`];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  // The last picture is a leaf, those before it hang beside the talk as rewound prompts do.
  expect(JSON.parse(stdout)).toEqual({
    messages: 2001,
    segments: 32,
    bytes: 2000 * output.length + '[image image/png 1465 KiB]'.length,
    cut_bytes: 0,
  });
});
