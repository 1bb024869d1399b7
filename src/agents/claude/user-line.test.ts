import { describe, expect, it } from 'vitest';
import { promptLine, resultLine } from '../../../test/support/claude-transcripts.ts';
import { isObject } from './field.ts';
import { chainLineOf } from './line.ts';
import { classifyUserLine, type UserLine } from './user-line.ts';

function classify(line: string): UserLine {
  const body: unknown = JSON.parse(line);
  return classifyUserLine(chainLineOf(isObject(body) ? body : {}));
}

const said = (text: string, fields: Record<string, unknown> = {}): UserLine => classify(promptLine('u', text, fields));
const reminder = '<system-reminder>be brief</system-reminder>';

describe('user lines (specification §2.5)', () => {
  it.each([
    ['<local-command-stdout>ok</local-command-stdout>'],
    ['<local-command-stderr>no</local-command-stderr>'],
    ['<bash-stdout>ok</bash-stdout><bash-stderr></bash-stderr>'],
    ['<bash-stderr>no</bash-stderr>'],
    ['<local-command-caveat>Caveat: …</local-command-caveat>'],
    ['<task-notification><task-id>1</task-id></task-notification>'],
    ['Stop hook feedback:\n- lint'],
    [reminder],
    ['<ide_selection>x = 1</ide_selection>'],
    ['   '],
  ])('%s is context', (text) => {
    expect(said(text)).toEqual({ is: 'context' });
  });

  it('takes the first rule that fits: meta, summary, results, text', () => {
    expect(said('typed', { isMeta: true })).toEqual({ is: 'context' });
    expect(said('typed', { isCompactSummary: true })).toEqual({ is: 'compaction_summary' });
    expect(classify(resultLine('r', 'toolu_1')).is).toBe('tool_results');
    expect(said('This session is being continued from …')).toEqual({ is: 'compaction_summary' });
  });

  it('tells interruptions, commands and typed text', () => {
    expect(said('[Request interrupted by user]')).toEqual({ is: 'interruption', during_tool: false });
    expect(said('[Request interrupted by user for tool use]')).toEqual({ is: 'interruption', during_tool: true });
    expect(said('<bash-input>ls -l</bash-input>')).toEqual({ is: 'bash_input', text: 'ls -l' });
    const command = '<command-message>review is running…</command-message>\n<command-name>/review</command-name>';
    expect(said(`${command}\n<command-args>PR 12</command-args>`)).toEqual({
      is: 'slash_command',
      name: '/review',
      text: '/review PR 12',
    });
    expect(said('<b>bold</b> text')).toEqual({ is: 'prompt', text: '<b>bold</b> text', images: 0 });
    expect(said(`${reminder}\nfix it`)).toEqual({ is: 'prompt', text: 'fix it', images: 0 });
    expect(said(`fix it ${reminder}`)).toEqual({ is: 'prompt', text: `fix it ${reminder}`, images: 0 });
  });

  it('counts pictures, and a picture alone is a prompt', () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } };
    expect(classify(promptLine('u', [image]))).toEqual({ is: 'prompt', text: '', images: 1 });
    expect(classify(promptLine('u', [{ type: 'text', text: 'see' }, image]))).toMatchObject({ text: 'see', images: 1 });
  });
});
