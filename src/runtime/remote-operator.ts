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

/** What only looks at a little or turns a switch: the daemon may be busy for some seconds, not longer. */
const SHORT_MS = 30_000;
/** What reads or changes much of the store. */
const LONG_MS = 120_000;
/** What reads the history of a machine. */
const HISTORY_MS = 60 * 60_000;

/** How long the daemon may take over each verb before it counts as hung; a flush has its own time-out besides. */
const DEADLINES_MS = {
  status: SHORT_MS,
  report: LONG_MS,
  sessions: LONG_MS,
  session: LONG_MS,
  conversations: LONG_MS,
  conversation: LONG_MS,
  conversationMessages: LONG_MS,
  searchConversations: LONG_MS,
  conversationsFor: LONG_MS,
  conversationsEditing: LONG_MS,
  shareConversations: LONG_MS,
  linkConversation: LONG_MS,
  previewSessions: LONG_MS,
  replaySessions: HISTORY_MS,
  memory: LONG_MS,
  preview: LONG_MS,
  erase: HISTORY_MS,
  flush: SHORT_MS,
  importTranscripts: HISTORY_MS,
  deadLetters: LONG_MS,
  deadLetter: SHORT_MS,
  retryDeadLetters: LONG_MS,
  discardDeadLetters: LONG_MS,
  pause: SHORT_MS,
  resume: SHORT_MS,
  createToken: SHORT_MS,
  tokens: SHORT_MS,
  revokeToken: SHORT_MS,
  openLink: SHORT_MS,
  stop: SHORT_MS,
} as const satisfies Partial<Record<keyof Operator, number>>;

type Verb = keyof typeof DEADLINES_MS;

/** How long the daemon may take over a verb, in ms. */
export function deadlineOf(verb: Verb, argument: unknown): number {
  const own_ms = (argument as { timeout_ms?: unknown } | null | undefined)?.timeout_ms;
  return DEADLINES_MS[verb] + ((verb === 'flush' || verb === 'erase') && typeof own_ms === 'number' ? own_ms : 0);
}

/**
 * The operator of a running daemon, over its loopback API (`POST /v1/operate`). Errors arrive as they were thrown there;
 * besides, every verb throws UnreachableError: `daemon.unreachable`, or `daemon.hung` when no answer came in its time.
 */
export function remoteOperator(daemon: DaemonFile, deadline_ms = deadlineOf): Operator & AsyncDisposable {
  const pool = new Pool(daemon.url, { connections: 2 });
  const call = async (verb: Verb, argument: unknown): Promise<unknown> => {
    const text = JSON.stringify({ verb, arguments: argument });
    const { body } = await request(pool, daemon, { verb, text, deadline_ms: deadline_ms(verb, argument) });
    const failed = errorReply.safeParse(body);
    if (failed.success) throw asThrown(failed.data.error);
    return resultReply.parse(body).result;
  };
  const names = Object.keys(DEADLINES_MS) as Verb[];
  const verbs = Object.fromEntries(names.map((verb) => [verb, (argument: unknown) => call(verb, argument)]));
  // The daemon answers with what its own Operator returned; `connectOperator` warns when they are of two program versions.
  return { ...(verbs as unknown as Operator), [Symbol.asyncDispose]: () => pool.close() };
}

async function request(
  pool: Pool,
  daemon: DaemonFile,
  { verb, text, deadline_ms }: { verb: Verb; text: string; deadline_ms: number },
): Promise<{ body: unknown }> {
  try {
    const response = await pool.request({
      method: 'POST',
      path: '/v1/operate',
      headers: { authorization: `Bearer ${daemon.token}`, 'content-type': 'application/json' },
      body: text,
      headersTimeout: deadline_ms,
      bodyTimeout: deadline_ms,
    });
    return { body: await response.body.json() };
  } catch (cause) {
    const { code } = cause as { code?: unknown };
    if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT')
      throw hung(daemon, verb, deadline_ms, cause);
    throw new UnreachableError('daemon.unreachable', `The running Syncline (process ${daemon.pid}) does not answer`, {
      hint: 'See `syncline doctor`; `syncline stop` ends it.',
      cause,
    });
  }
}

function hung({ pid }: DaemonFile, verb: Verb, deadline_ms: number, cause: unknown): UnreachableError {
  const seconds = Math.ceil(deadline_ms / 1000);
  return new UnreachableError(
    'daemon.hung',
    `The running Syncline (process ${pid}) gave no answer to ${verb} in ${seconds} s`,
    {
      hint: `It may be busy: try again in a minute. Its log says more; as a last resort: kill ${pid} (nothing is lost).`,
      cause,
    },
  );
}

function asThrown(error: z.infer<typeof errorReply>['error']): SynclineError {
  const known = Object.values(EXIT).find((exit) => exit === error.exit);
  return new SynclineError(error.code, error.message, {
    ...(error.hint ? { hint: error.hint } : {}),
    ...(error.field ? { field: error.field } : {}),
    exit: known ?? (EXIT.no satisfies ExitCode),
  });
}
