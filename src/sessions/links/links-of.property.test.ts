import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConversationToolCall } from '../../agents/conversation.ts';
import { linksOf, type LinkContext } from './links-of.ts';

const context: LinkContext = { key: 'k', repository: 'github.com/acme/web', branch: 'topic' };

function linksOfCall(command: string, result: string, part: Partial<ConversationToolCall> = {}) {
  const call: ConversationToolCall = {
    ...{ index: 0, tool_use_id: null, tool_name: 'Bash', category: 'Bash', skill_name: null, file_path: null },
    ...{ input_json: JSON.stringify({ command }), subagent_native_id: null, result, result_bytes: null },
    ...{ is_error: false, result_at_ms: null },
    ...part,
  };
  return linksOf(
    {
      ...{ ordinal: 0, role: 'assistant', content: '', thinking: null, timestamp_ms: null, model: null },
      ...{ is_system: false, is_sidechain: false, is_compact_boundary: false, source_uuid: null, usage: null },
      ...{ tool_calls: [call], cut_bytes: 0 },
    },
    context,
  );
}

/** Any UTF-16 unit, lone surrogates too. */
const anyUnit = fc.nat(0xffff).map((code) => String.fromCharCode(code));
const sha = fc.stringMatching(/^[0-9a-f]{7,40}$/);
/** Names that git takes (`git check-ref-format --branch`). */
const branch = fc
  .array(fc.constantFrom(...'abcXYZ019-_/.#@+()!%&,;=<>{}|"\'`$]éß日本ж'), { minLength: 1, maxLength: 30 })
  .map((letters) => letters.join(''))
  .filter((name) => !/\.\.|@\{|\/\/|\/\.|\.\/|^[-/.]|[/.]$|\.lock/.test(name) && name !== '@');
const subject = fc.string().map((text) => text.replace(/[\r\n\u2028\u2029\u0085]/g, ' '));

describe('ids as git prints them', () => {
  it('are found whole, of every branch', () => {
    const commits = fc.uniqueArray(fc.record({ sha, branch, subject, root: fc.boolean(), files: fc.nat(99) }), {
      ...{ minLength: 1, maxLength: 8 },
      selector: (commit) => commit.sha.slice(0, 7),
    });
    fc.assert(
      fc.property(commits, (made) => {
        const output = made.map(
          (commit) =>
            `[${commit.branch}${commit.root ? ' (root-commit)' : ''} ${commit.sha}] ${commit.subject}\n ${commit.files} files changed`,
        );
        const links = linksOfCall(made.map(() => 'git commit -m x').join('; '), output.join('\n'));
        expect(links.map((link) => [link.sha, link.branch, link.confidence])).toEqual(
          made.map((commit) => [commit.sha, commit.branch, 'high']),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('are found whole after quiet commits and in pushes', () => {
    fc.assert(
      fc.property(sha, sha, branch, (before, after, name) => {
        fc.pre(before.slice(0, 7) !== after.slice(0, 7));
        const log = linksOfCall('git commit -qm x && git log -1 --oneline', `${after} x`);
        expect(log.map((link) => link.sha)).toEqual([after]);
        const push = linksOfCall('git push', `To github.com:acme/web.git\n   ${before}..${after}  ${name} -> ${name}`);
        expect(push).toMatchObject([{ sha: after, branch: name, repository: 'github.com/acme/web' }]);
      }),
    );
  });
});

describe('any text', () => {
  const piece = fc.constantFrom(
    ...['git commit', ' -m ', "'", '"', '$(', ')', '`', '\n', '&&', ';', '|', '[main abc1234] x', '\n 1 file changed'],
    ...[
      'https://github.com/a/b/pull/1',
      'To x:a/b\n',
      '   abc1234..def5678  a -> b',
      'gh pr create',
      '{"output":"',
      '<<E\n',
    ],
  );
  const text = fc.oneof(
    fc.string({ unit: anyUnit }),
    fc.array(piece, { maxLength: 30 }).map((parts) => parts.join('')),
  );

  it('never throws', () => {
    fc.assert(
      fc.property(text, text, fc.constantFrom('Bash', 'Other'), text, (command, result, category, input_json) => {
        linksOfCall(command, result, { category });
        linksOfCall(command, result, { category, input_json, tool_name: 'mcp__x__create_pull_request' });
      }),
    );
  });

  it.each<[name: string, command: string, output: string]>([
    ['open brackets', 'git commit', '['.repeat(1 << 20)],
    ['short lines', 'git commit', '[\n'.repeat(1 << 19)],
    ['summaries', 'for x in *; do git commit; done', '[main abc1234] x\n'.repeat(1 << 16)],
    [
      'different summaries',
      'git rebase main; git log',
      Array.from(
        { length: 1 << 15 },
        (_, i) => `[m ${(i * 65_521 + 0x10000000).toString(16)}] x\n${(i * 77_777 + 0x10000000).toString(16)} y\n`,
      ).join(''),
    ],
    ['almost summaries', 'git commit', `[${'aaaaaaa '.repeat(40)}\n`.repeat(3_000)],
    ['colours', 'git commit', '\x1b[3'.repeat(1 << 18)],
    ['addresses', 'gh pr create', 'https://github.com/a/b/pull/1 '.repeat(1 << 15)],
    ['numbers in addresses', 'gh pr create', `https://${'a/pull/1/'.repeat(200)} `.repeat(500)],
    ['one long address', 'gh pr create', `https://x/${'pull/'.repeat(1 << 17)}`],
    ['pushes', 'git push', `To a:b/c\n${'   abc1234..def5678  a -> b\n'.repeat(1 << 15)}`],
    ['blanks in a push', 'git push', `To a:b/c\n * [new branch]${' '.repeat(1 << 20)}x`],
    ['JSON', 'git commit', `{"output":${JSON.stringify('[a abc1234] x\n'.repeat(1 << 16))}}`],
    ['deep JSON', 'git commit', '['.repeat(1 << 19) + ']'.repeat(1 << 19)],
    ['quotes', `git commit -m ${'\'"'.repeat(1 << 19)}`, ''],
    ['open substitutions', 'git '.concat('$('.repeat(1 << 19)), ''],
    ['open groups', 'git '.concat('('.repeat(1 << 20)), ''],
    ['backquotes', 'git '.concat('`a \\`b '.repeat(1 << 17)), ''],
    ['backslashes', 'git '.concat('\\'.repeat(1 << 20)), ''],
    ['here-documents', 'git '.concat('<<A '.repeat(1 << 17), '\n', 'x\n'.repeat(1 << 17)), ''],
    ['scripts in scripts', 'git;'.concat('bash -c '.repeat(1 << 16)), ''],
    ['commands', 'git commit;'.repeat(1 << 16), '[a abc1234] x'],
    ['redirections', 'git '.concat('<'.repeat(1 << 20)), ''],
    ['code', `tools.exec_command( ${'cmd:"\\'.repeat(1 << 17)}`, ''],
  ])('costs time linear in it: %s', (_name, command, output) => {
    const started = performance.now();
    linksOfCall(command, output);
    const took = performance.now() - started;
    if (process.env.SHOW_TIMES !== undefined) console.log(_name, Math.round(took));
    // A quadratic pass over 1 MiB takes minutes; a linear one some ten milliseconds, on a busy machine ten times that.
    expect(took).toBeLessThan(2_000);
  });
});
