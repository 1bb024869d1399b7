import type { Context } from 'hono';
import { FullError } from '../../platform/errors.ts';
import { authenticate } from '../access/authenticate.ts';
import type { ServerContext } from '../context.ts';
import type { ServerEnv } from '../http/env.ts';
import { Refusal } from '../http/refusal.ts';

const MAX_HASH_LENGTH = 200;

/**
 * `DELETE /v1/sessions/{session_id_hash}`: a member takes the telemetry of a session back: session, events, spans, what is
 * summed of them. 200 `erased`, or `absent` where nothing of it is here (also the second time): either way nothing that the
 * member sends of it comes in any more. Only what the member's own tokens sent: 409 `foreign_owner` otherwise.
 */
export async function eraseSession(c: Context<ServerEnv>, context: ServerContext): Promise<Response> {
  const caller = authenticate(c, context, ['ingest']);
  context.quota.takeRequest(caller.token_id);
  if ((c.req.query('team_id') ?? caller.team_id) !== caller.team_id)
    throw new Refusal(403, 'team', 'This token belongs to another team', { field: 'team_id' });
  const hash = c.req.param('session_id_hash') ?? '';
  if (hash === '' || hash.length > MAX_HASH_LENGTH)
    throw new Refusal(400, 'session_id_hash', `The hash of a session has 1 to ${MAX_HASH_LENGTH} characters`, {
      field: 'session_id_hash',
    });
  // A token of the whole team says nobody in particular: everybody could take back what everybody sent.
  if (caller.token_id.startsWith('team:'))
    throw new Refusal(403, 'no_member', 'This token belongs to no member, so that nothing is known to be its own', {
      field: 'Authorization',
    });
  context.removals?.requireWritable('telemetry');
  context.removals?.note('telemetry');
  const result = withdraw(context, caller, hash);
  const { token_id, member, device } = caller;
  await context.record({ verb: 'erase telemetry', target: hash, detail: { result, member, device, token_id } });
  if (result === 'foreign')
    throw new Refusal(409, 'foreign_owner', 'Another member sent some of this session; nothing was changed', {
      field: 'session_id_hash',
    });
  return Response.json({ result });
}

function withdraw(
  { store }: ServerContext,
  caller: { team_id: string; member: string },
  hash: string,
): 'erased' | 'absent' | 'foreign' {
  try {
    return store.withdrawSession(caller, hash);
  } catch (cause) {
    if (!(cause instanceof FullError)) throw cause;
    throw new Refusal(507, 'full', 'The server has reached its storage limit; nothing was changed', {
      headers: { 'retry-after': '300' },
      more: { limit: 'store_max_bytes' },
      cause,
    });
  }
}
