import { describe, expect, it } from 'vitest';
import {
  assistantLine,
  fixture,
  promptLine,
  resultLine,
  toolUse,
  transcriptLine,
} from '../../../test/support/claude-transcripts.ts';
import { isObject } from './field.ts';
import { chainLineOf } from './line.ts';
import { activeBranch, treeLineOf } from './tree.ts';

/** The uuids of the active branch of a file, in its order. */
function active(text: string): (string | null)[] {
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line))
    .filter(isObject)
    .map((body) => treeLineOf(chainLineOf(body)));
  const branch = activeBranch(lines);
  return lines.filter((_line, index) => branch.has(index)).map((line) => line.uuid);
}

const call = (uuid: string, parentUuid: string, id: string): string =>
  assistantLine({ uuid, id: 'msg_1', content: [toolUse(id)], fields: { parentUuid } });

describe('active branch (specification §2.7)', () => {
  it('is 1 2 3 4 5 6 7 10 11 12 of the worked example', () => {
    const text = fixture('worked-example/-home-ada-shop/S1.jsonl').toString();
    expect(active(text)).toEqual(['u1', 'a1', 'a2', 'r1', 'r2', 'c1', 's1', 'u3', 'e1', 'd1']);
  });

  it('pitfall 18: results of parallel calls with different parents are all on it', () => {
    const text = [
      promptLine('u1', 'go'),
      call('a1', 'u1', 'toolu_1'),
      call('a2', 'a1', 'toolu_2'),
      call('a3', 'a2', 'toolu_3'),
      resultLine('r1', 'toolu_1', { parentUuid: 'a1' }),
      resultLine('r2', 'toolu_2', { parentUuid: 'a2' }),
      resultLine('r3', 'toolu_3', { parentUuid: 'a3' }),
      assistantLine({ uuid: 'b1', id: 'msg_2', fields: { parentUuid: 'r3' } }),
    ];
    expect(active(text.join(''))).toEqual(['u1', 'a1', 'a2', 'a3', 'r1', 'r2', 'r3', 'b1']);
  });

  it('pitfall 18b: has the later pieces of a response while the first result is the last line', () => {
    const text = [
      call('a1', 'u1', 'toolu_1'),
      call('a2', 'a1', 'toolu_2'),
      resultLine('r1', 'toolu_1', { parentUuid: 'a1' }),
    ];
    expect(active(promptLine('u1', 'go') + text.join(''))).toEqual(['u1', 'a1', 'a2', 'r1']);
  });

  it('pitfall 19: a rewind leaves the first try behind', () => {
    const text = [
      promptLine('u1', 'first'),
      assistantLine({ uuid: 'a1', id: 'msg_1', fields: { parentUuid: 'u1' } }),
      promptLine('u2', 'try', { parentUuid: 'a1' }),
      assistantLine({ uuid: 'a2', id: 'msg_2', fields: { parentUuid: 'u2' } }),
      promptLine('u3', 'try better', { parentUuid: 'a1' }),
    ];
    expect(active(text.join(''))).toEqual(['u1', 'a1', 'u3']);
  });

  it('goes through attachments, past sidechains and notes, and over a line that is missing', () => {
    const text = [
      promptLine('u1', 'go'),
      transcriptLine({ type: 'attachment', uuid: 't1', parentUuid: 'u1' }),
      assistantLine({ uuid: 'a1', id: 'msg_1', fields: { parentUuid: 't1' } }),
      assistantLine({ uuid: 'x1', id: 'msg_9', fields: { parentUuid: 'a1', isSidechain: true } }),
      promptLine('u2', 'on', { parentUuid: 'damaged' }),
      promptLine('m1', 'note', { parentUuid: 'u2', isMeta: true }),
    ];
    expect(active(text.join(''))).toEqual(['u1', 't1', 'a1', 'u2']);
  });

  it('takes a late result as an answer, neither as the end of the talk nor as a rewind to its call', () => {
    const talk = [
      promptLine('u1', 'go'),
      call('a1', 'u1', 'toolu_1'),
      promptLine('u2', 'meanwhile', { parentUuid: 'a1' }),
      assistantLine({ uuid: 'b1', id: 'msg_2', fields: { parentUuid: 'u2' } }),
      resultLine('r1', 'toolu_1', { parentUuid: 'a1' }),
    ];
    expect(active(talk.join(''))).toEqual(['u1', 'a1', 'u2', 'b1', 'r1']);
    const behind = promptLine('u3', 'thanks', { parentUuid: 'r1' });
    expect(active(talk.join('') + behind)).toEqual(['u1', 'a1', 'u2', 'b1', 'r1', 'u3']);
    // The call was rewound meanwhile.
    const rewound = promptLine('u4', 'other', { parentUuid: 'u1' });
    expect(active([...talk.slice(0, 4), rewound, ...talk.slice(4)].join(''))).toEqual(['u1', 'u4']);
  });

  it('ends with a cycle and with an empty file', () => {
    expect(active('')).toEqual([]);
    expect(active(promptLine('u1', 'a', { parentUuid: 'u2' }) + promptLine('u2', 'b', { parentUuid: 'u1' }))).toEqual([
      'u1',
      'u2',
    ]);
  });
});
