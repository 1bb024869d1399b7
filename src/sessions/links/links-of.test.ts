import { describe, expect, it } from 'vitest';
import type { ConversationMessage, ConversationToolCall } from '../../agents/conversation.ts';
import { linksOf, type LinkContext } from './links-of.ts';

const SHA = 'd8a1141b779df98962cfb492bcb41321dd3e3dc0';
const context: LinkContext = { key: 'k', repository: 'github.com/acme/web', branch: 'topic' };

function call(part: Partial<ConversationToolCall>): ConversationToolCall {
  return {
    ...{ index: 0, tool_use_id: null, tool_name: 'Bash', category: 'Bash', input_json: null, skill_name: null },
    ...{ file_path: null, subagent_native_id: null, result: null, result_bytes: null, is_error: false },
    ...{ result_at_ms: null },
    ...part,
  };
}

function message(...tool_calls: ConversationToolCall[]): ConversationMessage {
  return {
    ...{ ordinal: 7, role: 'assistant', content: '', thinking: null, timestamp_ms: null, model: null },
    ...{ is_system: false, is_sidechain: false, is_compact_boundary: false, source_uuid: null, usage: null },
    ...{ tool_calls, cut_bytes: 0 },
  };
}

/** The links of one shell call, as short texts: `commit abc1234 main high`. */
function shell(command: unknown, result: string, part: Partial<ConversationToolCall> = {}, where = context): string[] {
  return short(message(call({ input_json: JSON.stringify({ command }), result, ...part })), where);
}

function short(of: ConversationMessage, where = context): string[] {
  return linksOf(of, where).map(
    ({ kind, sha, url, branch, confidence }) =>
      `${kind === 'pull_request' ? 'pr' : kind} ${url ?? `${sha ?? '-'} ${branch ?? '-'}`} ${confidence}`,
  );
}

function repositories(command: string, result: string, where = context): (string | null)[] {
  return linksOf(message(call({ input_json: JSON.stringify({ command }), result })), where).map(
    ({ repository }) => repository,
  );
}

describe('the summary of git commit (specification, Appendix B)', () => {
  it.each([
    ['[main abc1234]', 'abc1234 main'],
    ['[main abc1234] Fix', 'abc1234 main'],
    ['[main abc12345] Fix', 'abc12345 main'],
    [`[main ${SHA}] Fix`, `${SHA} main`],
    [`[main ${'0123456789abcdef'.repeat(4)}] SHA-256`, `${'0123456789abcdef'.repeat(4)} main`],
    ['[main (root-commit) abc1234] First', 'abc1234 main'],
    ['[main (Root-Commit) abc1234] Erster', 'abc1234 main'],
    ['[detached HEAD abc1234] Fix', 'abc1234 -'],
    ['[losgelöster HEAD abc1234] Fix', 'abc1234 -'],
    ['[feat/#1@x+(y)-ü abc1234] Fix', 'abc1234 feat/#1@x+(y)-ü'],
    ['[a]b abc1234] Fix', 'abc1234 a]b'],
    ['[ветка/日本 abc1234] Fix', 'abc1234 ветка/日本'],
    ['[dependabot/npm_and_yarn/x-1.2.3 abc1234] Fix', 'abc1234 dependabot/npm_and_yarn/x-1.2.3'],
    ['[main 1234567] Only digits', '1234567 main'],
    ['[feat/<REDACTED:email> abc1234] Masked', 'abc1234 feat/<REDACTED:email>'],
    ['\x1b[32m[main abc1234] Coloured\x1b[0m', 'abc1234 main'],
    ['Output: [main abc1234] As Gemini prints it', 'abc1234 main'],
    ['[main abc1234] Windows\r\n 1 file changed', 'abc1234 main'],
    ['[main abc1234] Cites [see deadbeef] and [other cafebab]', 'abc1234 main'],
  ])('%j', (output, link) => {
    expect(shell('git commit -m x', output)).toEqual([`commit ${link} high`]);
  });

  it.each([
    '[see deadbeef]',
    '[see deadbeef] for the reason',
    'hook: [see deadbeef]',
    'lint [main deadbeef] not at the begin of a line',
    '[main deadbee',
    '[main deadbe] six digits',
    '[main deadbeeg] no hex',
    '[see also deadbeef] more words than a branch has',
    '[a..b deadbeef] no name of a branch',
    '[main ABCDEF1] git prints lower case',
  ])('is not %j', (output) => {
    expect(shell('git commit -m x', output)).toEqual([]);
  });

  it('does not take what a hook prints for a commit', () => {
    const output = '[see deadbeef] in the style guide\n[eslint 1234567] ok\n[topic abc1234] Fix\n 1 file changed';
    expect(shell('git commit -m x', output)).toEqual(['commit abc1234 topic high']);
    expect(shell('git commit -m x', '[eslint 1234567] ok\n[other abc1234] Fix')).toEqual(['commit abc1234 other high']);
  });

  it('may come from a branch that is called like a word, where git shows so', () => {
    expect(shell('git commit -m x', '[see deadbeef] Fix\n 1 file changed, 1 insertion(+)')).toHaveLength(1);
    expect(shell('git switch -c see && git commit -m x', '[see deadbeef] Fix')).toHaveLength(1);
    expect(shell('git commit -m x', '[see deadbeef] Fix', {}, { ...context, branch: 'see' })).toHaveLength(1);
  });

  it('finds several commits in one output, each once', () => {
    const output = '[main abc1234] One\n 1 file changed\n[main def5678] Two\n 1 file changed\n[main abc1234] One';
    expect(shell('git commit -m one && git commit -m two', output)).toEqual([
      'commit abc1234 main high',
      'commit def5678 main high',
    ]);
    const loop = Array.from({ length: 30 }, (_, i) => `[x ${(0xabc0000 + i).toString(16)}] ${i}`).join('\n');
    expect(shell('for f in *; do git commit -m $f $f; done', loop)).toHaveLength(30);
  });
});

describe('the commands that make commits', () => {
  const output = '[work abc1234] Fix\n 1 file changed';
  it.each([
    ['git -C dir commit -m x'],
    ['git -c user.name=x --no-pager commit -m x'],
    ['git add -A\ngit commit -m x'],
    ['GIT_AUTHOR_NAME="a b" A=1 git commit -m x'],
    ['make test || git commit -m x'],
    ['(cd dir && git commit -m x)'],
    ['{ git commit -m x; }'],
    ['if true; then git commit -m x; fi'],
    ['sudo -u me git commit -m x'],
    ['timeout 30 env -u X A=1 /usr/bin/git commit -m x'],
    ['cd x && git add . && git commit -m "a && b; c" 2>&1 | tail -3'],
    ['git commit -F - <<EOF\nDo not "close this\n`quote`\nEOF'],
    [`git commit -m "$(cat <<'EOF'\nIt's (not) "balanced\n\nCo-Authored-By: x\nEOF\n)"`],
    ['git commit \\\n  -m x'],
    ['bash -lc "git commit -m \'x\'"'],
    ['bash <<EOF\ngit commit -m x\nEOF'],
    ['echo `git commit -m x`'],
    ['git commit --amend --no-edit'],
    ['git merge topic'],
    ['git cherry-pick a b'],
    ['git revert --no-edit HEAD'],
    ['git rebase -i main'],
    ['git am < x.patch'],
    ['cd <d79d87fe:path> && git commit -m x'],
  ])('%j', (command) => {
    expect(shell(command, output)).toEqual(['commit abc1234 work high']);
  });

  it.each([
    ['Codex, a list', { command: ['bash', '-lc', "cd /x && git commit -m 'a b'"] }, output],
    ['Codex, exec_command', { cmd: 'git commit -m x', workdir: '/x' }, `Wall time: 1 s\nOutput:\n${output}`],
    ['Codex, output as JSON', { command: ['git', 'commit', '-m', 'a b'] }, JSON.stringify({ output, metadata: {} })],
    ['Codex, a program', { input: 'await tools.exec_command({"cmd":"git commit -m \\"x\\""})' }, output],
    ['content blocks', { command: 'git commit -m x' }, JSON.stringify([{ type: 'text', text: output }])],
    ['PowerShell', { command: ['powershell.exe', '-Command', 'git commit -m x; git status'] }, output],
  ])('%s', (_name, input, result) => {
    const tool = { tool_name: 'exec_command', input_json: JSON.stringify(input), result };
    expect(short(message(call(tool)))).toEqual(['commit abc1234 work high']);
  });

  it('a summary that no command explains is shown, and one in a text is mentioned', () => {
    expect(shell('make release', output)).toEqual(['commit abc1234 work medium']);
    expect(short(message(call({ tool_name: 'write_stdin', input_json: '{"chars":""}', result: output })))).toEqual([
      'commit abc1234 work medium',
    ]);
    expect(shell('cat notes.txt', output)).toEqual(['commit abc1234 work low']);
    expect(shell('make release', '[main abc1234] starting')).toEqual([]);
    expect(shell('echo "git commit -m x"', '[main abc1234] x')).toEqual([]);
    expect(shell('git commit --dry-run', '[eslint abc1234] x')).toEqual([]);
  });

  it('only shells run commands', () => {
    const input_json = JSON.stringify({ command: 'git commit -m x' });
    expect(short(message(call({ category: 'Read', tool_name: 'Read', input_json, result: output })))).toEqual([]);
  });
});

describe('what shows the newest commit', () => {
  it('gives the whole id of a summary', () => {
    const whole = `[main ${SHA.slice(0, 7)}] Fix\n 1 file changed\n${SHA}`;
    expect(shell('git commit -m x && git rev-parse HEAD', whole)).toEqual([`commit ${SHA} main high`]);
    const log = `[main ${SHA.slice(0, 9)}] Fix\ncommit ${SHA} (HEAD -> main)\nAuthor: a\n\n    Fix`;
    expect(shell('git commit -m x; git log -1', log)).toEqual([`commit ${SHA} main high`]);
    const looped = `[main ${SHA.slice(0, 7)}] Fix\n 1 file changed\n${SHA}\n`;
    expect(shell('for f in a; do git commit -m $f; git rev-parse HEAD; done', looped)).toEqual([
      `commit ${SHA} main high`,
    ]);
    const other = `[main abc1234] Fix\n 1 file changed\n${SHA}`;
    expect(shell('git commit -m x && git rev-parse v1.0', other)).toEqual(['commit abc1234 main high']);
  });

  it.each([
    ['git commit -qm x && git rev-parse HEAD', SHA, SHA],
    ['git commit -q -m x; git log --oneline -1', 'abc1234 (HEAD -> topic) Fix', 'abc1234'],
    ['git commit -m x >/dev/null && git log -3 --oneline', 'abc1234 Fix\ndef5678 Before', 'abc1234'],
    ['git commit -qm x && git log -1 --format=%H', SHA, SHA],
    ['git commit -qm x && git show --stat HEAD', `commit ${SHA}\nAuthor: a`, SHA],
    ['git rebase main && git log -1', `Successfully rebased\ncommit ${SHA}`, SHA],
    ['git am x.patch && git rev-parse --short HEAD', 'Applying: x\nabc1234', 'abc1234'],
    ['git merge --no-edit topic && git rev-parse HEAD', `Merge made by the 'ort' strategy.\n${SHA}`, SHA],
    ['git log -1 --format=%h && git commit -qm x && git log -1 --format=%h', 'abc1234\ndef5678', 'def5678'],
    ['git commit -qm x && git rev-parse --short HEAD', '1234567', '1234567'],
  ])('makes a quiet commit known: %j', (command, output, sha) => {
    expect(shell(command, output)).toEqual([`commit ${sha} topic high`]);
  });

  it('is no commit of the session when none was made', () => {
    expect(shell('git log -1', `commit ${SHA}`)).toEqual([]);
    expect(shell('git commit -qm x && git log main..topic --oneline', 'abc1234 Fix')).toEqual([]);
    expect(shell('git rev-parse HEAD && git commit -qm x', SHA)).toEqual([]);
    expect(shell('git commit -qm x && SHA=$(git rev-parse HEAD) && cat sums', `${SHA}  file`)).toEqual([]);
  });

  it('is unsure when the command may have made nothing', () => {
    expect(shell('git commit -m x; git log -1', `nothing to commit, working tree clean\ncommit ${SHA}`)).toEqual([
      `commit ${SHA} topic medium`,
    ]);
    expect(shell('git merge topic && git rev-parse HEAD', `Updating abc1234..d8a1141\nFast-forward\n${SHA}`)).toEqual([
      `commit ${SHA} topic medium`,
    ]);
  });

  it('knows the branch that the same call checked out', () => {
    expect(shell('git checkout -b new && git commit -qm x && git rev-parse HEAD', SHA)).toEqual([
      `commit ${SHA} new high`,
    ]);
  });
});

describe('git push', () => {
  const to = 'To github.com:acme/site.git\n';
  it.each([
    ['   abc1234..def5678  main -> main', 'def5678 main'],
    [' + abc1234...def5678 topic -> topic (forced update)', 'def5678 topic'],
    [` ${' '} ${'a'.repeat(40)}..${SHA}  HEAD -> main`, `${SHA} main`],
    [' * [new branch]      topic -> topic', '- topic'],
    [' \trefs/heads/main:refs/heads/main\tabc1234..def5678\nDone', 'def5678 main'],
  ])('%j', (line, link) => {
    expect(shell('git push', to + line)).toEqual([`push ${link} high`]);
    expect(repositories('git push', to + line)).toEqual(['github.com/acme/site']);
  });

  it.each([
    ' ! [rejected]        main -> main (fetch first)',
    ' - [deleted]         topic',
    ' * [new tag]         v1.0 -> v1.0',
    ' = [up to date]      main -> main',
  ])('made nothing: %j', (line) => {
    expect(shell('git push', to + line)).toEqual([]);
  });

  it('is no fetch', () => {
    const fetched = 'From github.com:acme/site\n   abc1234..def5678  main -> origin/main';
    expect(shell('git pull', fetched)).toEqual([]);
    expect(shell('git push; git fetch', `${to}   abc1234..abc1235  a -> a\n${fetched}`)).toHaveLength(1);
  });

  it('tells where its commits belong, and they what it pushed', () => {
    const output = `[topic abc1234] Fix\n 1 file changed\nremote: Resolving deltas\n${to} * [new branch]      topic -> topic`;
    expect(shell('git commit -m x && git push -u origin topic', output)).toEqual([
      'commit abc1234 topic high',
      'push abc1234 topic high',
    ]);
    expect(repositories('git commit -m x && git push', output)).toEqual([
      'github.com/acme/site',
      'github.com/acme/site',
    ]);
  });

  it.each([
    ['https://github.com/acme/site.git', 'github.com/acme/site'],
    ['https://[REDACTED:url-credentials:c0725209]@ghe.corp/acme/site', 'ghe.corp/acme/site'],
    ['ssh://git@gitlab.corp:2222/group/sub/site.git', 'gitlab.corp/group/sub/site'],
    ['../site.git', null],
  ])('to %s', (url, repository) => {
    expect(repositories('git push', `To ${url}\n   abc1234..def5678  main -> main`)).toEqual([repository]);
  });

  it('is none when it only would push', () => {
    expect(shell('git push --dry-run', `${to}   abc1234..def5678  main -> main`)).toEqual([]);
  });
});

describe('the repository of a commit', () => {
  const output = '[main abc1234] Fix\n 1 file changed';
  it.each([
    ['git commit -m x', 'github.com/acme/web'],
    ['cd packages/a && git commit -m x', 'github.com/acme/web'],
    ['cd /w/web/a && git commit -m x', 'github.com/acme/web'],
    ['cd <d79d87fe:path> && git commit -m x', 'github.com/acme/web'],
    ['cd "$(git rev-parse --show-toplevel)" && git commit -m x', 'github.com/acme/web'],
    ['git -C ../other commit -m x', null],
    ['cd /w/other && git commit -m x', null],
    ['cd ~/other && git commit -m x', null],
    ['cd $OTHER && git commit -m x', null],
  ])('%s', (command, repository) => {
    expect(repositories(command, output, { ...context, cwd: '/w/web' })).toEqual([repository]);
  });
});

describe('pull and merge requests', () => {
  const url = 'https://github.com/acme/web/pull/12';
  it.each([
    ['gh pr create --fill', `Creating pull request for topic into main in acme/web\n\n${url}\n`, `pr ${url} high`],
    ['gh pr create -f', 'https://ghe.corp/Acme/Web/pull/3', 'pr https://ghe.corp/acme/web/pull/3 high'],
    [
      'glab mr create --fill',
      '!4 Fix (topic)\n https://gitlab.com/a/b/c/-/merge_requests/4\n',
      'pr https://gitlab.com/a/b/c/-/merge_requests/4 high',
    ],
    ['gh pr create -f 2>&1 | tail -1', url, `pr ${url} high`],
    [
      'gh api repos/acme/web/pulls -f title=x',
      `{"url":"https://api.github.com/repos/acme/web/pulls/12","html_url":"${url}"}`,
      `pr ${url} high`,
    ],
    [
      'git push -o merge_request.create',
      'remote: View merge request for x:\nremote:   https://gitlab.com/a/b/-/merge_requests/4',
      'pr https://gitlab.com/a/b/-/merge_requests/4 high',
    ],
    ['gh pr create -f', `a pull request for branch "x" into branch "main" already exists:\n${url}`, `pr ${url} medium`],
    ['gh pr view', `title: x\nurl:\t${url}`, `pr ${url} medium`],
    ['gh pr edit 12 --title x', url, `pr ${url} medium`],
    ['gh pr merge 12 --squash', '✓ Squashed and merged pull request #12', `pr ${url} medium`],
    ['gh pr merge -R acme/site 3', '', 'pr https://github.com/acme/site/pull/3 medium'],
    ['gh pr checkout https://github.com/acme/web/pull/12/files', '', `pr ${url} medium`],
    ['glab mr merge 4 -R a/b/c', '', 'pr https://gitlab.com/a/b/c/-/merge_requests/4 medium'],
    [
      'git push',
      'remote: View pull request for x => main:\nremote:   https://bitbucket.org/a/b/pull-requests/5?t=1',
      'pr https://bitbucket.org/a/b/pull-requests/5 medium',
    ],
    ['gh pr list --json url', `[{"url":"${url}"}]`, `pr ${url} low`],
    ['cat CHANGELOG.md', `- Fix (${url})`, `pr ${url} low`],
    ['curl -s x', url, `pr ${url} low`],
  ])('%s', (command, output, link) => {
    expect(shell(command, output)).toEqual([link]);
  });

  it.each([
    [
      'git push',
      "remote: Create a pull request for 'x' on GitHub by visiting:\nremote:   https://github.com/acme/web/pull/new/x",
    ],
    [
      'git push',
      'remote: To create a merge request for x, visit:\nremote:   https://gitlab.com/a/b/-/merge_requests/new?merge_request%5Bsource_branch%5D=x',
    ],
    [
      'git push',
      'remote: Create pull request for x:\nremote:   https://bitbucket.org/a/b/pull-requests/new?source=x&t=1',
    ],
    ['gh pr create', 'https://github.com/acme/web/issues/12'],
  ])('a hint is none: %s', (command, output) => {
    expect(shell(command, output)).toEqual([]);
  });

  it('tells what was made from what is only named', () => {
    const output = `Fixes https://github.com/acme/web/pull/3 at last\n${url}\n`;
    expect(shell('gh pr create --fill', output)).toEqual([
      'pr https://github.com/acme/web/pull/3 medium',
      `pr ${url} high`,
    ]);
    const viewed = `https://github.com/acme/web/pull/3\n${url}`;
    expect(shell('gh pr view 3 --json url -q .url; gh pr create -f', viewed)).toEqual([
      'pr https://github.com/acme/web/pull/3 medium',
      `pr ${url} high`,
    ]);
    expect(
      shell('gh pr create -f --head a; gh pr create -f --head b', `${url}\nhttps://github.com/acme/web/pull/13`),
    ).toEqual([`pr ${url} high`, 'pr https://github.com/acme/web/pull/13 high']);
  });

  it('keeps each once, with the best confidence', () => {
    const first = call({ input_json: JSON.stringify({ command: 'gh pr create -f' }), result: url });
    const second = call({
      input_json: JSON.stringify({ command: 'cat x' }),
      result: `${url}/files ${url}#issuecomment-1`,
    });
    expect(short(message(second, first, second))).toEqual([`pr ${url} high`]);
  });

  it('keeps a limited number of mentions, and everything that was made', () => {
    const many = Array.from({ length: 500 }, (_, i) => `https://github.com/acme/web/pull/${i + 100}`).join('\n');
    const listed = call({ input_json: JSON.stringify({ command: 'cat x' }), result: many });
    const made = call({ input_json: JSON.stringify({ command: 'gh pr create -f' }), result: url });
    const links = short(message(listed, made));
    expect(links).toHaveLength(51);
    expect(links).toContain(`pr ${url} high`);
  });
});

describe('tools of MCP servers', () => {
  const url = 'https://github.com/acme/web/pull/12';
  const tool = (tool_name: string, input: unknown, result: unknown, is_error = false): string[] =>
    short(
      message(
        call({
          ...{ category: 'Other', tool_name, input_json: JSON.stringify(input), is_error },
          result: typeof result === 'string' ? result : JSON.stringify(result),
        }),
      ),
    );

  it.each([
    [
      'mcp__github__create_pull_request',
      { url: 'https://api.github.com/x', html_url: url, head: { repo: { html_url: 'https://github.com/acme/web' } } },
    ],
    ['mcp__github__create_pull_request', { id: '1', url }],
    ['github.createPullRequest', [{ type: 'text', text: JSON.stringify({ html_url: url }) }]],
    [
      'mcp__x__create-pull-request',
      { data: { body: 'see https://github.com/a/b/pull/1', links: { html: { href: url } } } },
    ],
    ['mcp__x__create_pull_request', `Created: ${url}`],
  ])('%s makes one', (name, result) => {
    expect(tool(name, { title: 'x' }, result)).toEqual([`pr ${url} high`]);
  });

  it('knows those that touch one, list them, or only comment', () => {
    const input = { owner: 'acme', repo: 'web', pullNumber: 12 };
    expect(tool('mcp__github__merge_pull_request', input, { merged: true })).toEqual([`pr ${url} medium`]);
    expect(tool('mcp__github__create_pull_request_review', input, 'ok')).toEqual([`pr ${url} medium`]);
    expect(tool('mcp__github__list_pull_requests', {}, [{ html_url: url }])).toEqual([`pr ${url} low`]);
    expect(tool('mcp__github__create_pull_request', {}, `422: ${url}`, true)).toEqual([`pr ${url} low`]);
    expect(tool('mcp__gitlab__get_merge_request', { project_id: 'a%2Fb', merge_request_iid: '4' }, {})).toEqual([
      'pr https://gitlab.com/a/b/-/merge_requests/4 medium',
    ]);
    expect(tool('mcp__github__push_files', { owner: 'acme', repo: 'web' }, { object: { sha: SHA } })).toEqual([
      `commit ${SHA} - high`,
    ]);
  });

  it('no other tool', () => {
    expect(tool('WebFetch', { url }, url)).toEqual([]);
    expect(tool('Read', { file_path: 'pull_request.md' }, url)).toEqual([]);
  });
});
