import type { PushBody, PushList, PushLists, ReadItem } from './push-body.ts';

/** What each list of a push lets in. */
export type ItemRules = { [L in PushList]: (item: PushLists[L]) => boolean };

/** The push with every item that its list's rule does not let in skipped for that reason, each in its place. */
export function keepingItems(body: PushBody, rules: ItemRules, refusal: { skipped: string }): PushBody {
  const kept = <L extends PushList>(list: L): ReadItem<PushLists[L]>[] => {
    const items: readonly ReadItem<PushLists[L]>[] = body.lists[list];
    return items.map((read) => ('item' in read && !rules[list](read.item) ? refusal : read));
  };
  return {
    ...body,
    lists: {
      memories: kept('memories'),
      deletions: kept('deletions'),
      archives: kept('archives'),
      restores: kept('restores'),
      links: kept('links'),
      pendings: kept('pendings'),
      pending_decisions: kept('pending_decisions'),
      namespace_meta: kept('namespace_meta'),
      namespace_meta_clears: kept('namespace_meta_clears'),
      embeddings: kept('embeddings'),
    },
  };
}
