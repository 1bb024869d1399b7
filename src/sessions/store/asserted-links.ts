import { isAbout, parseLinkTarget, type LinkAssertion, type LinkAssertions } from '../links/link-assertions.ts';
import type { GitLink, GitLinkQuery, Reader, SessionStore, SessionSummary } from './session-store.ts';

/**
 * A store whose links are corrected by what people said of them: asserted links stand first, denied ones are left out. All
 * else is the store's own. Counts of lists are of what was found.
 */
export class AssertedLinks implements SessionStore {
  readonly #store: SessionStore;
  readonly #assertions: LinkAssertions;

  constructor(store: SessionStore, assertions: LinkAssertions) {
    this.#store = store;
    this.#assertions = assertions;
  }

  async links(reader: Reader, key: string): Promise<GitLink[]> {
    const said = this.#assertions.of(key);
    const found = await this.#store.links(reader, key);
    if (said.length === 0) return found;
    const session = await this.#store.find(reader, key);
    if (session === null) return [];
    const untouched = found.filter((link) => !said.some((assertion) => isAbout(assertion, link)));
    return [...said.filter(({ is_linked }) => is_linked).map((assertion) => linkOf(assertion, session)), ...untouched];
  }

  async linked(
    reader: Reader,
    query: GitLinkQuery,
    limit: number,
  ): Promise<{ link: GitLink; session: SessionSummary }[]> {
    const target = parseLinkTarget(query.sha ?? query.url ?? '', query.repository ?? null);
    const said = target === null ? [] : this.#assertions.about(target);
    if (said.length === 0) return this.#store.linked(reader, query, limit);
    const asserted: { link: GitLink; session: SessionSummary }[] = [];
    for (const assertion of said.filter((one) => one.is_linked && isWithin(one, query))) {
      const session = await this.#store.find(reader, assertion.key);
      if (session && session.presence.kind !== 'trashed') asserted.push({ link: linkOf(assertion, session), session });
    }
    const found = await this.#store.linked(reader, query, limit + said.length);
    const untouched = found.filter(
      ({ link }) => !said.some((assertion) => assertion.key === link.key && isAbout(assertion, link)),
    );
    return [...asserted, ...untouched].slice(0, Math.max(0, limit));
  }

  /** An erased session has nothing left that anybody said of it. */
  readonly remove: SessionStore['remove'] = async (team_id, key, owner, reason, signal) => {
    const result = await this.#store.remove(team_id, key, owner, reason, signal);
    if (reason === 'erased' && result !== 'foreign') this.#assertions.forget([key]);
    return result;
  };

  readonly put: SessionStore['put'] = (...given) => this.#store.put(...given);
  readonly markGone: SessionStore['markGone'] = (...given) => this.#store.markGone(...given);
  readonly state: SessionStore['state'] = (...given) => this.#store.state(...given);
  readonly list: SessionStore['list'] = (...given) => this.#store.list(...given);
  readonly find: SessionStore['find'] = (...given) => this.#store.find(...given);
  readonly messages: SessionStore['messages'] = (...given) => this.#store.messages(...given);
  readonly search: SessionStore['search'] = (...given) => this.#store.search(...given);
  readonly tree: SessionStore['tree'] = (...given) => this.#store.tree(...given);
  readonly editing: SessionStore['editing'] = (...given) => this.#store.editing(...given);
  readonly containing: SessionStore['containing'] = (...given) => this.#store.containing(...given);
  readonly facets: SessionStore['facets'] = (...given) => this.#store.facets(...given);
  readonly totals: SessionStore['totals'] = (...given) => this.#store.totals(...given);
  readonly identity: SessionStore['identity'] = () => this.#store.identity();
  readonly sizeBytes: SessionStore['sizeBytes'] = () => this.#store.sizeBytes();
  readonly scrub: SessionStore['scrub'] = () => this.#store.scrub();
  readonly close: SessionStore['close'] = () => this.#store.close();
}

/** A person is sure. It stands at no message; the first is where one begins to read. */
function linkOf({ kind, target, repository, at_ms }: LinkAssertion, { key }: SessionSummary): GitLink {
  const is_commit = kind === 'commit';
  return {
    ...{ key, ordinal: 0, kind, repository, branch: null, confidence: 'high', asserted_at_ms: at_ms },
    ...{ sha: is_commit ? target : null, url: is_commit ? null : target },
  };
}

function isWithin({ repository }: LinkAssertion, query: GitLinkQuery): boolean {
  if (query.repository === undefined || repository === null) return true;
  return repository.toLowerCase() === query.repository.toLowerCase();
}
