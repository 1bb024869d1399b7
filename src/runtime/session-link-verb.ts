import { UsageError } from '../platform/errors.ts';
import { isAbout, parseLinkTarget, type LinkAssertions } from '../sessions/links/link-assertions.ts';
import { repositoryOf } from '../sessions/store/link-finder.ts';
import type { SessionStore, SessionSummary } from '../sessions/store/session-store.ts';
import type { LinkResult } from './session-verbs.ts';

export interface LinkParts {
  /** The store with what people say (`AssertedLinks`). */
  store: SessionStore;
  assertions: LinkAssertions;
  now_ms: () => number;
}

/** Sets a link by hand, or takes one away; what was said of the same target before is replaced. @throws UsageError `link.target` */
export async function assertLink(
  { store, assertions, now_ms }: LinkParts,
  session: SessionSummary,
  written: string,
  is_linked: boolean,
): Promise<LinkResult> {
  const { key, team_id } = session;
  const target = parseLinkTarget(written, repositoryOf(session.project));
  if (target === null)
    throw new UsageError('link.target', `${JSON.stringify(written)} is neither a commit nor a pull request`, {
      hint: 'Give 7 or more digits of a SHA, or the address of a pull or merge request.',
      field: 'sha|url',
    });
  const links = await store.links({ team_id }, key);
  const about = links.filter((link) => isAbout(target, link));
  const is_asserted = about.some(({ asserted_at_ms }) => asserted_at_ms !== undefined);
  const told = { key, kind: target.kind, target: target.target };
  if (is_linked ? is_asserted : about.length === 0) return { ...told, result: 'unchanged' };
  assertions.unsay(key, target);
  // What was only said is unsaid; what the text shows needs a word against it.
  const is_found = (await store.links({ team_id }, key)).some((link) => isAbout(target, link));
  if (is_linked || is_found) assertions.say({ ...target, key, is_linked, at_ms: now_ms() });
  return { ...told, result: is_linked ? 'linked' : 'unlinked' };
}
