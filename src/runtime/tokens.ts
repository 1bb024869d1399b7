import type { Operator } from './operator.ts';
import type { TokenStore } from '../server/access/token-store.ts';

/** The team of a server's own, and of a token that is made where nothing runs: only a server needs one before it starts. */
export const SERVER_TEAM = 'default';

/** The token verbs of an operator over the token store. `team_id` is whom a token belongs to when nobody says. */
export function tokenVerbs(
  tokens: TokenStore,
  team_id: string,
): Pick<Operator, 'createToken' | 'tokens' | 'revokeToken'> {
  return {
    createToken: async (query) => tokens.create({ ...query, team_id: query.team_id ?? team_id }),
    tokens: async () => tokens.list(null),
    revokeToken: async (token_id) => tokens.revoke(token_id),
  };
}
