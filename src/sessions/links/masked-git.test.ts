/** Real git, and the real redactor between its output and the finder: what a store sees. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ConversationMessage } from '../../agents/conversation.ts';
import { loadHashing } from '../../redaction/hashing.ts';
import { createRedactor } from '../../redaction/redactor.ts';
import type { GitLink } from '../store/session-store.ts';
import { linksOf } from './links-of.ts';

const redactor = createRedactor({ hashing: await loadHashing(), salt: new Uint8Array(32), workspace: '/home/me/web' });
let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'masked-git-'));
  execFileSync('git', ['init', '-q', '--bare', join(root, 'remote.git')]);
  shell('git init -q -b main web && cd web && git remote add origin ../remote.git');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function shell(command: string, folder = root): string {
  const env = {
    ...{ PATH: process.env.PATH, HOME: root, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
    ...{ GIT_AUTHOR_NAME: 'Ann Other', GIT_AUTHOR_EMAIL: 'ann@example.org' },
    ...{ GIT_COMMITTER_NAME: 'Me', GIT_COMMITTER_EMAIL: 'me@example.org' },
  };
  return execFileSync('sh', ['-c', `${command} 2>&1`], { cwd: folder, env, encoding: 'utf8' });
}

/** Runs a command as an agent would, masks what it was and what it printed, and finds its links. */
function linksOfRun(command: string): GitLink[] {
  const result = redactor.redactText(shell(`{ ${command}\n}`, join(root, 'web')));
  const input_json = JSON.stringify(redactor.redactValue({ command: `cd /home/me/web && ${command}` }));
  const message: ConversationMessage = {
    ...{ ordinal: 0, role: 'assistant', content: '', thinking: null, timestamp_ms: null, model: null },
    ...{
      is_system: false,
      is_sidechain: false,
      is_compact_boundary: false,
      source_uuid: null,
      usage: null,
      cut_bytes: 0,
    },
    tool_calls: [
      {
        ...{ index: 0, tool_use_id: null, tool_name: 'Bash', category: 'Bash', input_json, skill_name: null },
        ...{
          file_path: null,
          subagent_native_id: null,
          result,
          result_bytes: null,
          is_error: false,
          result_at_ms: null,
        },
      },
    ],
  };
  return linksOf(message, { key: 'k', repository: 'github.com/acme/web', branch: 'main' });
}

const head = (): string => shell('git rev-parse HEAD', join(root, 'web')).trim();

it.each([
  ['first commit', 'echo 1 >a; git add a && git commit -m "First"', 'main'],
  ['plain', 'echo 2 >a; git commit -am "Second, for ann@example.org"', 'main'],
  ['amended', 'git commit --amend -m "Second, better"', 'main'],
  ['long ids', 'echo 3 >a; git -c core.abbrev=40 commit -am "Third"', 'main'],
  ['short ids', 'echo 4 >a; git -c core.abbrev=8 commit -am "Fourth"', 'main'],
  ['empty message', 'git commit --allow-empty --allow-empty-message -m ""', 'main'],
  ['odd branch', 'git switch -c "feat/#1@x+(y)-ü" && echo 5 >a && git commit -am "Odd"', 'feat/#1@x+(y)-ü'],
  ['quiet, then shown', 'echo 6 >a; git commit -qam "Quiet" && git log -1', 'main'],
  [
    'message from a here-document',
    `echo 7 >a; git commit -a -m "$(cat <<'EOF'\nIt's (not) "balanced\nEOF\n)"`,
    'feat/#1@x+(y)-ü',
  ],
  ['detached', 'git checkout -q --detach; echo 8 >a; git commit -am "Detached"', null],
  ['reverted', 'git revert --no-edit HEAD', null],
  ['picked', 'git switch -q main && git cherry-pick -X theirs "feat/#1@x+(y)-ü"', 'main'],
])('finds the commit: %s', (_name, command, branch) => {
  const links = linksOfRun(command);
  expect(links).toMatchObject([{ kind: 'commit', branch, confidence: 'high', repository: 'github.com/acme/web' }]);
  expect(head().startsWith(links[0]?.sha ?? 'none')).toBe(true);
});

it('finds the commit and the push of one call', () => {
  linksOfRun('git push -u origin main');
  const links = linksOfRun('echo 9 >a; git commit -am "Ninth" && git push');
  expect(links.map(({ kind, branch }) => [kind, branch])).toEqual([
    ['commit', 'main'],
    ['push', 'main'],
  ]);
  for (const { sha } of links) expect(head().startsWith(sha ?? 'none')).toBe(true);
});

it('finds every commit of a rebase that stops for each', () => {
  shell(
    'git switch -q -c topic HEAD~1; for i in 1 2 3; do echo $i >t$i; git add .; git commit -qm $i; done',
    join(root, 'web'),
  );
  const links = linksOfRun('git rebase -q main && git log -1 --format="%H %s"');
  expect(links).toMatchObject([{ sha: head(), confidence: 'high' }]);
});

it('takes nothing from a commit that a hook refused', () => {
  writeFileSync(join(root, 'web/.git/hooks/pre-commit'), '#!/bin/sh\necho "[see deadbeef] style"\nexit 1\n', {
    mode: 0o755,
  });
  expect(linksOfRun('echo 10 >a; git commit -am "Tenth"; true')).toEqual([]);
  expect(linksOfRun('git commit -am "Tenth"; git log -1')).toMatchObject([{ confidence: 'medium' }]);
});
