import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TranscriptFolder } from '../../test/support/claude-transcripts.ts';
import { AGENT_SOURCES, findAgents } from './registry.ts';

let folder: TranscriptFolder;
beforeEach(() => (folder = new TranscriptFolder()));
afterEach(() => folder.remove());

const figures = async (env: Record<string, string>): Promise<unknown[]> =>
  (await findAgents(env)).map(({ label, sessions, projects }) => [label, sessions, projects]);

it('counts what each agent has, subagents, copies and neighbours not among the sessions', async () => {
  for (const name of [
    '.claude/projects/-a/S1.jsonl',
    '.claude/projects/-a/S2.jsonl',
    '.claude/projects/-a/S2/subagents/agent-x.jsonl',
    '.claude/projects/-b/S3.jsonl',
    '.claude/projects/-b/sessions/S4/log.jsonl',
    '.claude/projects/-b/memory/MEMORY.md',
    '.codex/sessions/2026/10/20/rollout-2026-10-20T09-00-00-1.jsonl',
    '.codex/sessions/2026/10/20/rollout-2026-10-20T09-00-00-2.jsonl',
    '.codex/archived_sessions/rollout-2026-10-20T09-00-00-2.jsonl.zst',
    '.codex/history.jsonl',
    '.cursor/projects/a/agent-transcripts/c1.jsonl',
    '.cursor/projects/a/agent-transcripts/c1.txt',
    '.cursor/projects/a/agent-transcripts/c2/c2.jsonl',
    '.cursor/projects/a/agent-transcripts/c2/subagents/s.jsonl',
    '.cursor/projects/a/terminals/1.txt',
  ]) {
    folder.write(name, '');
  }
  expect(await figures({ HOME: folder.path })).toEqual([
    ['Claude Code', 4, 2],
    ['Codex', 2, null],
    ['Cursor', 2, null],
  ]);
});

it('finds nothing without failing where nothing is, and says where it looked', async () => {
  const found = await findAgents({ HOME: join(folder.path, 'none'), CODEX_HOME: '/nowhere' });
  expect(found.map(({ sessions }) => sessions)).toEqual([0, 0, 0]);
  expect(found.flatMap(({ places }) => places.map(({ because, exists }) => [because, exists]))).toEqual([
    ['default', false],
    ['default', false],
    ['CODEX_HOME', false],
    ['CODEX_HOME', false],
    ['default', false],
  ]);
  expect(AGENT_SOURCES.map(({ agent }) => agent)).toEqual(['claude']);
});
