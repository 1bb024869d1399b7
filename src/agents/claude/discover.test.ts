import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TranscriptFolder, TranscriptTail, promptLine } from '../../../test/support/claude-transcripts.ts';
import { CLAUDE_READ_LIMITS, claudeSource } from './index.ts';

let folder: TranscriptFolder;
beforeEach(() => (folder = new TranscriptFolder()));
afterEach(() => folder.remove());

const places = (env: Record<string, string>): [string, string, boolean][] =>
  claudeSource.places(env).map(({ path, because, exists }) => [path, because, exists]);

describe('places (R21)', () => {
  it('are ~/.claude and ~/.config/claude by default', () => {
    mkdirSync(join(folder.path, '.claude', 'projects'), { recursive: true });
    expect(places({ HOME: folder.path })).toEqual([
      [join(folder.path, '.claude/projects'), 'default', true],
      [join(folder.path, '.config/claude/projects'), 'default', false],
    ]);
    expect(places({ HOME: '/h', XDG_CONFIG_HOME: '/x' })[1]).toEqual(['/x/claude/projects', 'default', false]);
    expect(places({})).toEqual([]);
  });

  it('are those of CLAUDE_CONFIG_DIR instead, which may be a list', () => {
    expect(places({ HOME: '/h', CLAUDE_CONFIG_DIR: '/a, ~/b,,/a' })).toEqual([
      ['/a/projects', 'CLAUDE_CONFIG_DIR', false],
      ['/h/b/projects', 'CLAUDE_CONFIG_DIR', false],
    ]);
    expect(places({ HOME: '/h', CLAUDE_CONFIG_DIR: '' })).toHaveLength(2);
  });
});

describe('discovery', () => {
  const found = async (env: Record<string, string> = { CLAUDE_CONFIG_DIR: folder.path }) => {
    const { files, problems } = await claudeSource.discover(claudeSource.places(env));
    const known = files.map(({ path, session_id, subagent_id }) => [
      path.slice(path.indexOf('projects/') + 9),
      session_id,
      subagent_id,
    ]);
    return { files, problems, known: known.sort() };
  };

  it('knows every layout by its place and nothing else', async () => {
    const prompt = promptLine('u', 'hi', { sessionId: 'parent', isSidechain: true, agentId: 'old' });
    for (const name of [
      'p/S1.jsonl',
      'p/S1/subagents/agent-new.jsonl',
      'p/S1/subagents/workflows/w1/agent-deep.jsonl',
      'p/agent-old.jsonl',
      'p/sessions/L1/log.jsonl',
    ]) {
      folder.write(`projects/${name}`, prompt);
    }
    for (const name of [
      'p/memory/notes.jsonl',
      'p/S1/tool-results/1.txt',
      'p/S1/tool-results/x.jsonl',
      'p/S1/subagents/agent-new.meta.json',
      'p/S1/subagents/journal.jsonl',
      'loose.jsonl',
      '../history.jsonl',
    ]) {
      folder.write(`projects/${name}`, prompt);
    }
    const { known, problems } = await found();
    expect(problems).toEqual([]);
    expect(known).toEqual([
      ['p/S1.jsonl', 'S1', null],
      ['p/S1/subagents/agent-new.jsonl', 'S1', 'new'],
      ['p/S1/subagents/workflows/w1/agent-deep.jsonl', 'S1', 'deep'],
      ['p/agent-old.jsonl', 'parent', 'old'],
      ['p/sessions/L1/log.jsonl', 'L1', null],
    ]);
  });

  it('finds more than 32 files, oldest first, with their figures', async () => {
    for (let index = 0; index < 70; index++) folder.write(`projects/p/S${index}.jsonl`, 'x'.repeat(index));
    const { files } = await found();
    expect(files).toHaveLength(70);
    expect(files.map((file) => file.birth_ms)).toEqual(files.map((file) => file.birth_ms).sort((a, b) => a - b));
    expect(files.find((file) => file.session_id === 'S7')?.size).toBe(7);
  });

  it('reads a tree once that two places reach, and follows no link below it', async () => {
    folder.write('projects/p/S1.jsonl', '');
    folder.write('elsewhere/S9.jsonl', '');
    symlinkSync(join(folder.path, 'elsewhere'), join(folder.path, 'projects', 'out'));
    symlinkSync(join(folder.path, 'projects', 'p'), join(folder.path, 'projects', 'twin'));
    symlinkSync(join(folder.path, 'elsewhere', 'S9.jsonl'), join(folder.path, 'projects', 'p', 'S9.jsonl'));
    mkdirSync(join(folder.path, 'second'));
    symlinkSync(join(folder.path, 'projects'), join(folder.path, 'second', 'projects'));
    const { known, problems } = await found({ CLAUDE_CONFIG_DIR: `${folder.path},${folder.path}/second` });
    expect(known).toEqual([['p/S1.jsonl', 'S1', null]]);
    expect(problems).toEqual([
      {
        path: join(folder.path, 'projects', 'out'),
        message: 'is a symbolic link out of the folder and is not followed',
      },
    ]);
  });

  it('refuses to read through a link that took a transcript’s place', async () => {
    folder.write('secret', promptLine('u', 'hi'));
    symlinkSync(join(folder.path, 'secret'), join(folder.path, 'S1.jsonl'));
    const reading = claudeSource.read(folder.file('S1.jsonl'), null, CLAUDE_READ_LIMITS, 0);
    await expect(reading).rejects.toMatchObject({ code: 'agents.transcript_unreadable' });
  });

  it.skipIf(process.getuid?.() === 0)('reports a folder that cannot be read and goes on', async () => {
    folder.write('projects/p/S1.jsonl', '');
    folder.write('projects/q/S2.jsonl', '');
    chmodSync(join(folder.path, 'projects', 'p'), 0o000);
    const { known, problems } = await found();
    chmodSync(join(folder.path, 'projects', 'p'), 0o700);
    expect(known).toEqual([['q/S2.jsonl', 'S2', null]]);
    expect(problems).toEqual([{ path: join(folder.path, 'projects', 'p'), message: 'EACCES' }]);
  });

  it('an older subagent file gives its events to the session its lines name', async () => {
    folder.write(
      'projects/p/agent-old.jsonl',
      promptLine('i', '[Request interrupted by user]', { sessionId: 'parent' }),
    );
    const { files } = await found();
    const events = await new TranscriptTail(() => files[0]!).toEnd();
    expect(events.map((event) => [event.session_id, event.subagent_id])).toEqual([['parent', 'old']]);
  });
});
