import { Pool } from 'undici';
import { z } from 'zod';
import { EXIT, SynclineError, UnreachableError, type ExitCode } from '../platform/errors.ts';
import type { DaemonFile } from './daemon-file.ts';
import type { Operator } from './operator.ts';

const errorReply = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    hint: z.string().nullish(),
    field: z.string().nullish(),
    exit: z.number().nullish(),
  }),
});
const resultReply = z.object({ result: z.unknown() });

/** A flush may take as long as its own time-out; nothing else takes longer than this. */
const REPLY_MS = 10 * 60_000;

const VERBS = [
  'status',
  'report',
  'sessions',
  'session',
  'conversations',
  'conversation',
  'conversationMessages',
  'searchConversations',
  'conversationsFor',
  'conversationsEditing',
  'shareConversations',
  'replaySessions',
  'preview',
  'flush',
  'importTranscripts',
  'deadLetters',
  'deadLetter',
  'retryDeadLetters',
  'discardDeadLetters',
  'pause',
  'resume',
  'createToken',
  'tokens',
  'revokeToken',
  'openLink',
  'stop',
] as const satisfies readonly (keyof Operator)[];

/** The operator of a running daemon, over its loopback API (`POST /v1/operate`). Errors arrive as they were thrown there. */
export function remoteOperator(daemon: DaemonFile): Operator & AsyncDisposable {
  const pool = new Pool(daemon.url, { connections: 2, headersTimeout: REPLY_MS, bodyTimeout: REPLY_MS });
  const call = async (verb: string, argument: unknown): Promise<unknown> => {
    const { body } = await request(pool, daemon, JSON.stringify({ verb, arguments: argument }));
    const failed = errorReply.safeParse(body);
    if (failed.success) throw asThrown(failed.data.error);
    return resultReply.parse(body).result;
  };
  const verbs = Object.fromEntries(VERBS.map((verb) => [verb, (argument: unknown) => call(verb, argument)]));
  // The daemon answers with what its own Operator returned; `connectOperator` warns when they are of two program versions.
  return { ...(verbs as unknown as Operator), [Symbol.asyncDispose]: () => pool.close() };
}

async function request(pool: Pool, daemon: DaemonFile, text: string): Promise<{ body: unknown }> {
  try {
    const response = await pool.request({
      method: 'POST',
      path: '/v1/operate',
      headers: { authorization: `Bearer ${daemon.token}`, 'content-type': 'application/json' },
      body: text,
    });
    return { body: await response.body.json() };
  } catch (cause) {
    throw new UnreachableError('daemon.unreachable', `The running Syncline (process ${daemon.pid}) does not answer`, {
      hint: 'See `syncline doctor`; `syncline stop` ends it.',
      cause,
    });
  }
}

function asThrown(error: z.infer<typeof errorReply>['error']): SynclineError {
  const known = Object.values(EXIT).find((exit) => exit === error.exit);
  return new SynclineError(error.code, error.message, {
    ...(error.hint ? { hint: error.hint } : {}),
    ...(error.field ? { field: error.field } : {}),
    exit: known ?? (EXIT.no satisfies ExitCode),
  });
}
