/**
 * Pull requests (GitHub, Bitbucket, Gitea, Azure) and merge requests (GitLab) by their addresses, in one canonical form,
 * so that what an agent printed and what a person pastes are the same.
 */

export interface PullRequest {
  /** `https://host/…`, in lower case and without what follows the number. Equal for equal requests. */
  url: string;
  /** `host/owner/repository` as the address spells it; groups of GitLab may nest. */
  repository: string;
  number: number;
}

export interface FoundPullRequest extends PullRequest {
  /** UTF-16 offset in the text. */
  start: number;
  end: number;
  /** The address is all that its line says. */
  alone: boolean;
}

const MAX_URL_CHARS = 2_000;
/** How far around an address its line is looked at. */
const ALONE_CHARS = 48;
const KINDS = new Set(['pull', 'pulls', 'merge_requests', 'pull-requests', 'pullrequest']);
const NUMBER = /^([1-9]\d{0,9})(?!\d)/;
/** `host:owner/repository#12`, `owner/repository!12`, `#12`. */
const SHORT = /^(?:(?:git@)?([A-Za-z0-9.-]{1,255})[:/](?=[^#!/]{1,255}\/))?([^#!\s:]{1,500})?([#!])([1-9]\d{0,9})$/;
const MENTIONED = /\/(?:pull|merge_request|github\/pr\/)/i;
const ADDRESS = /https?:\/\/[^\s"'<>`\\|^{}(),;[\]*]{1,2000}/gi;

/**
 * The request that `text` names. Takes http and https, with or without scheme, credentials, what follows the number
 * (`/files`, `#issuecomment-1`, `.diff`), addresses of the API, and `host/owner/repository#12`. `owner/repository#12` and
 * `#12` need `repository` (`host/owner/repository`), which tells the host. Null: it names none.
 */
export function parsePullRequest(text: string, repository: string | null = null): PullRequest | null {
  const trimmed = text.trim().replace(/^[<"'(]{1,3}/, '');
  if (trimmed.length > MAX_URL_CHARS) return null;
  return parseShort(trimmed, repository) ?? parseAddress(trimmed);
}

/** The addresses of requests in a text, in its order, each place once. Linear in the text. */
export function findPullRequests(text: string): FoundPullRequest[] {
  if (!MENTIONED.test(text)) return [];
  const found: FoundPullRequest[] = [];
  for (const match of text.matchAll(ADDRESS)) {
    const request = MENTIONED.test(match[0]) ? parseAddress(match[0]) : null;
    if (request === null) continue;
    const [start, end] = [match.index, match.index + match[0].length];
    found.push({ ...request, start, end, alone: isAlone(text, start, end) });
  }
  return found;
}

/** The address of request `number` of a repository (`host/owner/repository`), by the manner of its host. */
export function pullRequestOf(repository: string, number: number, mark: '#' | '!' = '#'): PullRequest | null {
  const host = repository.slice(0, repository.indexOf('/'));
  if (host === '' || repository.split('/').length < 3) return null;
  const gitlab = mark === '!' || host.includes('gitlab');
  const path = gitlab
    ? '-/merge_requests'
    : host.includes('bitbucket')
      ? 'pull-requests'
      : repository.includes('/_git/')
        ? 'pullrequest'
        : /gitea|codeberg|forgejo/.test(host)
          ? 'pulls'
          : 'pull';
  return parseAddress(`https://${repository}/${path}/${number}`);
}

function parseShort(text: string, repository: string | null): PullRequest | null {
  const match = SHORT.exec(text);
  if (match === null) return null;
  const [, host, path, mark, number] = match;
  const known = host?.includes('.') === true ? `${host.toLowerCase()}/${path ?? ''}` : null;
  return known === null
    ? besideRepository(
        host === undefined ? path : `${host}/${path ?? ''}`,
        Number(number),
        mark as '#' | '!',
        repository,
      )
    : pullRequestOf(known, Number(number), mark as '#' | '!');
}

function besideRepository(
  path: string | undefined,
  number: number,
  mark: '#' | '!',
  repository: string | null,
): PullRequest | null {
  if (repository === null) return null;
  if (path === undefined) return pullRequestOf(repository, number, mark);
  const host = repository.slice(0, repository.indexOf('/'));
  return path.includes('/') ? pullRequestOf(`${host}/${path}`, number, mark) : null;
}

function parseAddress(text: string): PullRequest | null {
  const address = /^https?:\/\//i.test(text) ? text : `https://${text}`;
  if (!URL.canParse(address)) return null;
  const { hostname, host, pathname } = new URL(address);
  if (!hostname.includes('.') && address !== text) return null;
  const segments = pathname.split('/').filter((segment) => segment !== '');
  const place = requestIn(hostname, segments);
  if (place === null) return null;
  const site = siteOf(host);
  return {
    url: `https://${site}/${[...place.address, place.number].join('/')}`.toLowerCase(),
    repository: [siteOf(hostname), ...place.owners.map(decoded)].join('/'),
    number: place.number,
  };
}

interface RequestPlace {
  /** Segments of the canonical address before the number. */
  address: readonly string[];
  owners: readonly string[];
  number: number;
}

function requestIn(host: string, all: readonly string[]): RequestPlace | null {
  const segments = withoutApi(host, all);
  for (let i = 2; i < segments.length - 1; i++) {
    const kind = (segments[i] ?? '').toLowerCase();
    const number = KINDS.has(kind) ? numberOf(segments[i + 1]) : null;
    const place = number === null ? null : placeOf(host, segments.slice(0, i), kind, number);
    if (place !== null) return place;
  }
  return null;
}

/** `api.github.com/repos/o/r/pulls/1` and `host/api/v3/repos/o/r/pulls/1` mean `host/o/r/pull/1`. */
function withoutApi(host: string, segments: readonly string[]): readonly string[] {
  const skipped = host === 'api.github.com' ? 0 : segments[0] === 'api' && /^v\d/.test(segments[1] ?? '') ? 2 : -1;
  if (skipped >= 0 && segments[skipped] === 'repos') {
    const kind = segments[1] === 'v1' ? 'pulls' : 'pull';
    return segments.slice(skipped + 1).map((segment, i) => (i === 2 && segment === 'pulls' ? kind : segment));
  }
  // Graphite shows GitHub's requests on pages of its own.
  const graphite = host === 'app.graphite.dev' || host === 'app.graphite.com';
  if (graphite && segments[0] === 'github' && segments[1] === 'pr') {
    return [...segments.slice(2, 4), 'pull', ...segments.slice(4)];
  }
  return segments;
}

function placeOf(host: string, owners: readonly string[], kind: string, number: number): RequestPlace | null {
  switch (kind) {
    case 'pull':
      return owners.length === 2 ? { address: [...owners, 'pull'], owners, number } : null;
    case 'pulls':
      return owners.length === 2 && host !== 'github.com' ? { address: [...owners, 'pulls'], owners, number } : null;
    case 'merge_requests': {
      const project = owners.at(-1) === '-' ? owners.slice(0, -1) : owners;
      return project.length < 2 ? null : { address: [...project, '-', 'merge_requests'], owners: project, number };
    }
    case 'pull-requests':
      return { address: [...owners, 'pull-requests'], owners: bitbucketOwners(owners), number };
    case 'pullrequest':
      return owners.at(-2) === '_git' ? { address: [...owners, 'pullrequest'], owners, number } : null;
    default:
      return null;
  }
}

/** Bitbucket's own servers: `projects/KEY/repos/name`, `users/name/repos/name`; their remotes say `key/name`. */
function bitbucketOwners(owners: readonly string[]): readonly string[] {
  const [kind, key, repos, name] = owners;
  if (repos !== 'repos' || key === undefined || name === undefined) return owners;
  return [kind === 'users' ? `~${key}` : key.toLowerCase(), name];
}

function numberOf(segment: string | undefined): number | null {
  const number = NUMBER.exec(segment ?? '')?.[1];
  return number === undefined ? null : Number(number);
}

function siteOf(host: string): string {
  const site = host.toLowerCase();
  if (site === 'www.github.com' || site === 'api.github.com' || /^app\.graphite\.(?:dev|com)$/.test(site)) {
    return 'github.com';
  }
  return site;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // A stray `%` is part of the name then.
    return segment;
  }
}

function isAlone(text: string, start: number, end: number): boolean {
  const near = Math.max(0, start - ALONE_CHARS);
  const before = `${near === 0 ? '\n' : ''}${text.slice(near, start)}`;
  const after = `${text.slice(end, end + ALONE_CHARS)}${end + ALONE_CHARS >= text.length ? '\n' : ''}`;
  return /\n(?:remote:)?[ \t]{0,40}$/.test(before) && /^[ \t\r]{0,40}\n/.test(after);
}
