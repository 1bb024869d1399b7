import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { normalizeRemote, workspaceOf } from './workspace.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'workspace-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a remote in any form has one identity', () => {
  test.each([
    'git@github.com:acme/web.git',
    'https://github.com/acme/web',
    'https://github.com/acme/web.git/',
    'https://user:hunter2@GitHub.com/acme/web.git',
    'ssh://git@github.com:22/acme/web.git',
    'git://github.com/acme/web',
    'github.com:acme/web',
  ])('%s', (url) => expect(normalizeRemote(url)).toBe('github.com/acme/web'));

  test.each(['/srv/git/web.git', '../web', 'file:///srv/git/web.git', '', 'C:\\repos\\web'])(
    'a path on this machine is none: %s',
    (url) => expect(normalizeRemote(url)).toBeNull(),
  );

  test('groups below groups stay', () =>
    expect(normalizeRemote('git@gitlab.acme.dev:team/sub/web.git')).toBe('gitlab.acme.dev/team/sub/web'));
});

function repository(path: string, config: string): void {
  mkdirSync(join(path, '.git'), { recursive: true });
  writeFileSync(join(path, '.git', 'config'), config);
}

const ORIGIN =
  '[core]\n\tbare = false\n[remote "up"]\n\turl = git@github.com:other/web.git\n[remote "origin"]\n\turl = git@github.com:acme/web.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n';

test('origin wins over other remotes, from any folder below the root', () => {
  repository(folder, ORIGIN);
  mkdirSync(join(folder, 'src', 'deep'), { recursive: true });
  expect(workspaceOf(join(folder, 'src', 'deep'))).toEqual({
    identity: 'github.com/acme/web',
    kind: 'remote',
    name: 'web',
    root: folder,
  });
});

test('a linked worktree has the identity of its repository', () => {
  repository(join(folder, 'main'), ORIGIN);
  const own = join(folder, 'main', '.git', 'worktrees', 'fix');
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'commondir'), '../..\n');
  mkdirSync(join(folder, 'fix'));
  writeFileSync(join(folder, 'fix', '.git'), `gitdir: ${own}\n`);
  expect(workspaceOf(join(folder, 'fix')).identity).toBe('github.com/acme/web');
});

test('without a remote the root of the checkout is the identity', () => {
  repository(folder, '[core]\n\tbare = false\n');
  mkdirSync(join(folder, 'lib'));
  expect(workspaceOf(join(folder, 'lib'))).toMatchObject({ identity: folder, kind: 'path', root: folder });
});

test('a folder that is gone stands for itself', () => {
  const gone = join(folder, 'gone', 'web');
  expect(workspaceOf(gone)).toEqual({ identity: gone, kind: 'path', name: 'web', root: gone });
});

test.each(['/a\0b', `/${'x'.repeat(5000)}`, '/dev/null/web'])(
  'an impossible folder stands for itself: case %#',
  (path) => expect(workspaceOf(path)).toMatchObject({ kind: 'path' }),
);
