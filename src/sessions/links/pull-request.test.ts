import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findPullRequests, parsePullRequest } from './pull-request.ts';

/** Any UTF-16 unit, lone surrogates too. */
const anyUnit = fc.nat(0xffff).map((code) => String.fromCharCode(code));
const URL_12 = 'https://github.com/acme/web/pull/12';

describe('parsePullRequest', () => {
  it.each([
    [URL_12],
    ['http://github.com/acme/web/pull/12'],
    ['HTTPS://GitHub.com/Acme/Web/pull/12/'],
    ['https://www.github.com/acme/web/pull/12'],
    ['https://user:token@github.com/acme/web/pull/12'],
    [`${URL_12}/files`],
    [`${URL_12}/commits/d8a1141b779df98962cfb492bcb41321dd3e3dc0`],
    [`${URL_12}#issuecomment-123456789`],
    [`${URL_12}?diff=split#diff-1`],
    [`${URL_12}.diff`],
    [`<${URL_12}>`],
    [`"${URL_12}"`],
    [`(${URL_12}).`],
    ['github.com/acme/web/pull/12'],
    ['github.com/acme/web#12'],
    ['git@github.com:acme/web#12'],
    ['https://api.github.com/repos/acme/web/pulls/12'],
    ['https://app.graphite.dev/github/pr/acme/web/12/Some-title'],
  ])('%s', (text) => {
    expect(parsePullRequest(text)).toMatchObject({ url: URL_12, number: 12 });
    expect(parsePullRequest(text)?.repository.toLowerCase()).toBe('github.com/acme/web');
  });

  it.each([
    ['https://ghe.corp:8443/a/b/pull/1', 'https://ghe.corp:8443/a/b/pull/1', 'ghe.corp/a/b'],
    ['https://ghe.corp/api/v3/repos/a/b/pulls/1', 'https://ghe.corp/a/b/pull/1', 'ghe.corp/a/b'],
    [
      'https://gitlab.com/a/b/c/d/-/merge_requests/4/diffs',
      'https://gitlab.com/a/b/c/d/-/merge_requests/4',
      'gitlab.com/a/b/c/d',
    ],
    ['https://gitlab.corp/a/b/merge_requests/4', 'https://gitlab.corp/a/b/-/merge_requests/4', 'gitlab.corp/a/b'],
    ['gitlab.com/a/b!4', 'https://gitlab.com/a/b/-/merge_requests/4', 'gitlab.com/a/b'],
    [
      'https://bitbucket.org/a/b/pull-requests/5/title?t=1',
      'https://bitbucket.org/a/b/pull-requests/5',
      'bitbucket.org/a/b',
    ],
    [
      'https://bb.corp/projects/KEY/repos/b/pull-requests/5/overview',
      'https://bb.corp/projects/key/repos/b/pull-requests/5',
      'bb.corp/key/b',
    ],
    ['https://codeberg.org/a/b/pulls/6', 'https://codeberg.org/a/b/pulls/6', 'codeberg.org/a/b'],
    ['https://git.corp/api/v1/repos/a/b/pulls/6', 'https://git.corp/a/b/pulls/6', 'git.corp/a/b'],
    [
      'https://dev.azure.com/org/My%20Project/_git/b/pullrequest/7',
      'https://dev.azure.com/org/my%20project/_git/b/pullrequest/7',
      'dev.azure.com/org/My Project/_git/b',
    ],
  ])('%s', (text, url, repository) => {
    expect(parsePullRequest(text)).toMatchObject({ url, repository });
    expect(parsePullRequest(url)?.url).toBe(url);
  });

  it('takes short forms only where the repository is known', () => {
    expect(parsePullRequest('acme/web#12')).toBeNull();
    expect(parsePullRequest('#12')).toBeNull();
    expect(parsePullRequest('acme/web#12', 'github.com/other/x')?.url).toBe(URL_12);
    expect(parsePullRequest('#12', 'github.com/acme/web')?.url).toBe(URL_12);
    expect(parsePullRequest('a/b/c!3', 'gitlab.corp/x/y')?.url).toBe('https://gitlab.corp/a/b/c/-/merge_requests/3');
    expect(parsePullRequest('#3', 'bitbucket.org/a/b')?.url).toBe('https://bitbucket.org/a/b/pull-requests/3');
  });

  it.each([
    'https://github.com/acme/web/issues/12',
    'https://github.com/acme/web/pull/new/topic',
    'https://github.com/acme/web/pulls',
    'https://github.com/acme/web/pulls/12',
    'https://github.com/acme/web/pull/0',
    'https://github.com/web/pull/12',
    'https://gitlab.com/a/b/-/merge_requests/new',
    'ftp://github.com/acme/web/pull/12',
    'https://',
    'abc1234',
    'a/b/pull/12',
    '',
  ])('is none: %s', (text) => {
    expect(parsePullRequest(text)).toBeNull();
  });
});

describe('findPullRequests', () => {
  it('finds all in a text, and knows which stand alone', () => {
    const text = `See [x](${URL_12}), ${URL_12}.\n  https://gitlab.com/a/b/-/merge_requests/4 \r\nremote: ${URL_12}\n`;
    expect(findPullRequests(text).map(({ number, alone }) => [number, alone])).toEqual([
      [12, false],
      [12, false],
      [4, true],
      [12, true],
    ]);
    expect(findPullRequests(URL_12).map(({ alone }) => alone)).toEqual([true]);
    for (const { start, end } of findPullRequests(text))
      expect(text.slice(start, start + 8) + text[end]).toMatch(/^https:/);
  });

  it('never throws, and finds what stands between blanks', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyUnit }), fc.integer({ min: 1, max: 1e9 }), (noise, number) => {
        parsePullRequest(noise);
        parsePullRequest(`https://${noise}/pull/1`);
        const found = findPullRequests(`${noise} https://github.com/acme/web/pull/${number} ${noise}`);
        expect(found.map((request) => request.number)).toContain(number);
      }),
    );
  });
});
