import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GitLink, SessionSummary } from '../store/session-store.ts';
import { blame, requestsNamedIn, type BlameAnswer, type BlameStore } from './blame.ts';
import { blamedLine, parseFileLine } from './blamed-line.ts';
import { gitOf, type Git } from './git.ts';
import { isSameCommit } from './sha.ts';

const AUTHOR_TIME = Date.UTC(2026, 2, 1, 12);
const HOUR = 3_600_000;
const REPOSITORY = 'github.com/acme/web';

let root: string;
let git: Git;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'blame-'));
  git = gitOf(execFile, environment(AUTHOR_TIME));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function environment(time_ms: number): NodeJS.ProcessEnv {
  const date = `${time_ms / 1000} +0000`;
  return {
    ...{ PATH: process.env.PATH, HOME: root, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
    ...{ GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a@example.org', GIT_AUTHOR_DATE: date },
    ...{ GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: 'a@example.org', GIT_COMMITTER_DATE: date },
  };
}

function run(args: string[], time_ms = AUTHOR_TIME, folder = root): string {
  return execFileSync('git', args, { cwd: folder, env: environment(time_ms), encoding: 'utf8', stdio: 'pipe' }).trim();
}

/** Writes a file and commits it; its whole id. */
function commit(file: string, text: string, message: string, time_ms = AUTHOR_TIME): string {
  mkdirSync(join(root, file, '..'), { recursive: true });
  writeFileSync(join(root, file), text);
  run(['add', '-A']);
  run(['commit', '-q', '-m', message], time_ms);
  return run(['rev-parse', 'HEAD']);
}

function repository(remote: string | null = 'git@github.com:acme/web.git'): void {
  run(['init', '-q', '-b', 'main']);
  if (remote !== null) run(['remote', 'add', 'origin', remote]);
}

function session(key: string, project = REPOSITORY): SessionSummary {
  return { key, project, ended_at_ms: null } as SessionSummary;
}

function link(key: string, part: Partial<GitLink>): GitLink {
  return {
    ...{ key, ordinal: 3, kind: 'commit', sha: null, url: null, repository: REPOSITORY, branch: 'main' },
    ...{ confidence: 'high' },
    ...part,
  };
}

interface Content {
  links?: GitLink[];
  edits?: { session: SessionSummary; at_ms: number | null; path: string }[];
}

/** Keeps to the contract of the stores, as far as blame asks. */
function storeOf({ links = [], edits = [] }: Content): BlameStore {
  return {
    linked: async (_reader, query, limit) =>
      links
        .filter(({ sha, url }) =>
          query.url === undefined ? isSameCommit(sha ?? '', query.sha ?? '') : url === query.url,
        )
        // One link a session, the newest: as the stores do.
        .filter((found, i, all) => all.findLastIndex((other) => other.key === found.key) === i)
        .slice(0, limit)
        .map((found) => ({ link: found, session: session(found.key) })),
    links: async (_reader, key) => links.filter((found) => found.key === key),
    editing: async (_reader, suffix) =>
      edits.filter(({ path }) => path.endsWith(suffix)).map((edit) => ({ ...edit, ordinal: 5 })),
  };
}

async function blamed(target: string, content: Content = {}): Promise<BlameAnswer> {
  return blame(parseFileLine(target), root, { git, store: storeOf(content), reader: { team_id: 't' } });
}

const told = ({ sessions }: BlameAnswer): string[] =>
  sessions.map(({ session: { key }, how, confidence }) => `${key} ${how} ${confidence}`);

describe('blamedLine', () => {
  it('tells the commit, the path and line in it, and both times', async () => {
    repository();
    const sha = commit('src/old name.ts', 'a\nb\nc\n', 'Add "c" – well');
    renameSync(join(root, 'src/old name.ts'), join(root, 'src/new.ts'));
    writeFileSync(join(root, 'src/new.ts'), 'x\na\nb\nc\n');
    run(['add', '-A']);
    run(['commit', '-q', '-m', 'Rename'], AUTHOR_TIME + HOUR);
    expect(await blamedLine(parseFileLine('src/new.ts:4'), root, git)).toEqual({
      ...{ sha, path: 'src/old name.ts', line: 3, author_ms: AUTHOR_TIME, committed_ms: AUTHOR_TIME },
      ...{ subject: 'Add "c" – well', text: 'c' },
    });
    expect(await blamedLine({ file: 'new.ts', line: 4 }, join(root, 'src'), git)).toMatchObject({ sha });
    expect(await blamedLine({ file: join(root, 'src/new.ts'), line: 4 }, '/', git)).toMatchObject({ sha });
  });

  it.each(['ü "quoted"\\\t.ts', '*.ts', '-L1', ':(top)x'])('takes any name: %s', async (name) => {
    repository();
    const sha = commit(name, 'a\n', 'Odd name');
    expect(await blamedLine({ file: name, line: 1 }, root, git)).toMatchObject({ sha, path: name });
  });

  it('refuses what it cannot answer, each with its own code', async () => {
    await expect(blamed('a:1')).rejects.toMatchObject({ code: 'blame.repository' });
    repository();
    writeFileSync(join(root, 'a'), 'a\n');
    await expect(blamed('a:1')).rejects.toMatchObject({ code: 'blame.uncommitted' });
    commit('a', 'a\nb\n', 'First');
    writeFileSync(join(root, 'a'), 'a\nb\nnew\n');
    await expect(blamed('a:3')).rejects.toMatchObject({ code: 'blame.uncommitted' });
    await expect(blamed('a:9')).rejects.toMatchObject({
      code: 'blame.line',
      message: '"a" has 3 lines, there is no line 9.',
    });
    await expect(blamed('b:1')).rejects.toMatchObject({ code: 'blame.file' });
    await expect(blamed('nowhere/b:1')).rejects.toMatchObject({ code: 'blame.file' });
    await expect(blamed('/nowhere/b:1')).rejects.toMatchObject({ code: 'blame.file' });
    writeFileSync(join(root, 'untracked'), 'a\n');
    await expect(blamed('untracked:1')).rejects.toMatchObject({ code: 'blame.file' });
  });

  it('says when there is no git, and when it takes too long', async () => {
    const missing = gitOf(execFile, { PATH: '/nowhere' });
    await expect(missing(['status'], root)).rejects.toMatchObject({ code: 'git.missing' });
    const stopped = Object.assign(new Error('stopped'), { killed: true, code: null });
    const slow = ((...[, , , answer]: [unknown, unknown, unknown, (error: Error) => void]) => {
      answer(stopped);
    }) as unknown as typeof execFile;
    await expect(gitOf(slow, {}, 300)(['status'], root)).rejects.toMatchObject({ code: 'git.timeout' });
  });

  it('runs no program that the repository names', async () => {
    repository();
    const sha = commit('a', 'a\n', 'First');
    const trap = join(root, 'trap');
    writeFileSync(join(root, '.git/info/attributes'), '* diff=trap\n');
    run(['config', 'diff.trap.textconv', `touch ${trap}; cat`]);
    run(['config', 'core.fsmonitor', `touch ${trap}`]);
    expect(await blamedLine({ file: 'a', line: 1 }, root, git)).toMatchObject({ sha });
    expect(() => execFileSync('ls', [trap], { stdio: 'pipe' })).toThrow();
  });
});

describe('FILE:LINE', () => {
  it.each([
    ['src/a.ts:12', 'src/a.ts', 12],
    ['a.ts:12:5', 'a.ts', 12],
    ['a.ts#L12', 'a.ts', 12],
    ['C:\\web\\a.ts:12', 'C:\\web\\a.ts', 12],
    ['a:b:3', 'a:b', 3],
  ])('%s', (text, file, line) => {
    expect(parseFileLine(text)).toEqual({ file, line });
  });
  it.each(['a.ts', 'a.ts:', 'a.ts:0', ':3', ''])('not %j', (text) => {
    expect(() => parseFileLine(text)).toThrow(/does not name a line/);
  });
});

describe('blame', () => {
  it('finds the session that made the commit, by a short or a whole id', async () => {
    repository();
    const sha = commit('a', 'a\n', 'First');
    for (const stored of [sha.slice(0, 7), sha]) {
      const answer = await blamed('a:1', { links: [link('k', { sha: stored })] });
      expect(told(answer)).toEqual(['k commit high']);
      expect(answer).toMatchObject({ repository: REPOSITORY, explanation: null });
      expect(answer.sessions[0]).toMatchObject({ ordinal: 3, link: { sha: stored } });
    }
  });

  it('doubts a short id of another repository, and prefers who committed to who pushed', async () => {
    repository();
    const sha = commit('a', 'a\n', 'First');
    const elsewhere = { repository: 'github.com/other/x' };
    const links = [
      link('chance', { sha: sha.slice(0, 7), ...elsewhere }),
      link('pushed', { sha, kind: 'push' }),
      link('made', { sha: sha.slice(0, 9) }),
      link('made', { sha, kind: 'push' }),
      link('visited', { sha, ...elsewhere }),
    ];
    expect(told(await blamed('a:1', { links }))).toEqual([
      'made commit high',
      'visited commit high',
      'pushed commit medium',
      'chance commit low',
    ]);
  });

  it('follows a squash to its pull request', async () => {
    repository();
    commit('a', 'a\n', 'Add a thing (#123)');
    const links = [link('k', { kind: 'pull_request', url: 'https://github.com/acme/web/pull/123' })];
    expect(told(await blamed('a:1', { links }))).toEqual(['k pull_request medium']);
    commit('b', 'b\n', "Merge branch 'x'\n\nSee merge request acme/web!7");
    const merge = [link('k', { kind: 'pull_request', url: 'https://github.com/acme/web/-/merge_requests/7' })];
    expect(told(await blamed('b:1', { links: merge }))).toEqual(['k pull_request medium']);
  });

  it('recognises a commit that a rebase replaced', async () => {
    repository();
    commit('base', '1\n', 'Base', AUTHOR_TIME - HOUR);
    run(['switch', '-q', '-c', 'topic']);
    const before = commit('a', 'a\n', 'Add a');
    const later = commit('b', 'b\n', 'Add a', AUTHOR_TIME + HOUR);
    const titled = commit('c', 'c\n', 'Add c');
    run(['switch', '-q', 'main']);
    commit('base', '2\n', 'Go on', AUTHOR_TIME + HOUR);
    run(['switch', '-q', 'topic']);
    run(['rebase', '-q', 'main'], AUTHOR_TIME + 2 * HOUR);
    const edits = [
      { session: session('other'), at_ms: AUTHOR_TIME - HOUR, path: '/w/a' },
      { session: session('k'), at_ms: AUTHOR_TIME - 2 * HOUR, path: '/w/a' },
    ];
    const links = [
      link('other', { sha: 'abc1234' }),
      link('other', { sha: later }),
      link('other', { sha: titled }),
      link('k', { sha: before.slice(0, 8) }),
    ];
    const answer = await blamed('a:1', { links, edits });
    expect(answer.line.sha).not.toBe(before);
    expect(told(answer)).toEqual(['k rebased_commit medium']);
  });

  it('falls back to sessions that edited the file in the day before', async () => {
    repository();
    commit('src/a', 'a\n', 'By hand');
    const path = '/w/src/a';
    const edit = (key: string, hours: number, project = REPOSITORY) => ({
      ...{ session: session(key, project), at_ms: AUTHOR_TIME + hours * HOUR, path },
    });
    expect(told(await blamed('src/a:1', { edits: [edit('k', -1)] }))).toEqual(['k edit medium']);
    const edits = [
      edit('after', 1),
      edit('label', -0.5, 'web'),
      edit('near', -1),
      edit('foreign', -1, 'github.com/other/x'),
      edit('far', -23),
      edit('old', -25),
    ];
    expect(told(await blamed('src/a:1', { edits }))).toEqual(['near edit low', 'far edit low', 'label edit low']);
  });

  it('keeps mentions, behind what the other ways find', async () => {
    repository();
    const sha = commit('a', 'a\n', 'First');
    const content = {
      links: [link('mention', { sha, confidence: 'low' })],
      edits: [{ session: session('k'), at_ms: AUTHOR_TIME - HOUR, path: '/w/a' }],
    };
    expect(told(await blamed('a:1', content))).toEqual(['k edit medium', 'mention commit low']);
  });

  it('says so when nothing is known, also without a remote', async () => {
    repository(null);
    const sha = commit('a', 'a\n', 'First (#1)');
    const answer = await blamed('a:1');
    expect(answer).toMatchObject({ repository: null, sessions: [] });
    expect(answer.explanation).toContain(sha.slice(0, 12));
  });
});

describe('requestsNamedIn', () => {
  it.each([
    ['Title (#12)', ['https://github.com/acme/web/pull/12']],
    ['Title (#11) (#12)', ['https://github.com/acme/web/pull/12']],
    ['Merge pull request #12 from acme/x', ['https://github.com/acme/web/pull/12']],
    ['Merged in x (pull request #12)', ['https://github.com/acme/web/pull/12']],
    ['Title\n\nReviewed-on: https://git.corp/a/b/pulls/3', ['https://git.corp/a/b/pulls/3']],
    ['Fix issue #12', []],
    ['Title\n\n* one (#3)', []],
  ])('%j', (message, urls) => {
    expect(requestsNamedIn(message, REPOSITORY)).toEqual(urls);
  });
});
