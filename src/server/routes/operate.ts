import type { Context } from 'hono';
import { z } from 'zod';
import { EXIT, SynclineError, type ExitCode } from '../../platform/errors.ts';
import type { Operator } from '../../runtime/operator.ts';
import { authenticate, requireScope } from '../access/authenticate.ts';
import type { Scope } from '../access/scope.ts';
import type { ServerContext } from '../context.ts';
import type { ServerEnv } from '../http/env.ts';
import { readBody } from '../http/read-body.ts';
import { Refusal } from '../http/refusal.ts';
import { requireJson } from '../http/require-json.ts';

/** Who may call which verb. Complete: a verb that is added to the operator interface does not compile without its line. */
const SCOPES_BY_VERB: Record<keyof Operator, readonly Scope[]> = {
  status: ['operate'],
  report: ['operate'],
  sessions: ['operate'],
  session: ['operate'],
  conversations: ['operate'],
  conversation: ['operate'],
  conversationMessages: ['operate'],
  searchConversations: ['operate'],
  conversationsFor: ['operate'],
  conversationsEditing: ['operate'],
  shareConversations: ['operate'],
  linkConversation: ['operate'],
  previewSessions: ['operate'],
  replaySessions: ['operate'],
  memory: ['operate'],
  preview: ['operate'],
  flush: ['operate'],
  erase: ['operate'],
  importTranscripts: ['operate'],
  deadLetters: ['operate'],
  deadLetter: ['operate'],
  retryDeadLetters: ['operate'],
  discardDeadLetters: ['operate'],
  pause: ['operate'],
  resume: ['operate'],
  createToken: ['admin'],
  tokens: ['admin'],
  revokeToken: ['admin'],
  openLink: ['operate'],
  stop: ['operate'],
};

const call = z.object({ verb: z.string(), arguments: z.unknown().optional() });

type AnyVerb = (argument: unknown) => Promise<unknown>;

/** `POST /v1/operate`: one verb of the operator interface by name, for the command line and the console. */
export async function operate(c: Context<ServerEnv>, context: ServerContext): Promise<Response> {
  const caller = authenticate(c, context, ['operate', 'admin']);
  context.quota.takeRequest(caller.token_id);
  const { operator } = context;
  if (!operator) throw new Refusal(501, 'operate.unavailable', 'This server takes no operator verbs');
  const { verb, argument } = await readCall(c, context);
  requireScope(caller, SCOPES_BY_VERB[verb]);
  try {
    const result = await (operator[verb] as AnyVerb).call(operator, argument);
    return Response.json({ result: result ?? null });
  } catch (error) {
    if (error instanceof SynclineError && error.exit !== EXIT.defect) return failure(error);
    context.onDefect(error, `/v1/operate ${verb}`);
    const message = 'Syncline met a defect of its own; its log says where';
    return Response.json(
      { error: { code: 'defect', message, hint: null, field: null, exit: EXIT.defect } },
      { status: 500 },
    );
  }
}

async function readCall(
  c: Context<ServerEnv>,
  context: ServerContext,
): Promise<{ verb: keyof Operator; argument: unknown }> {
  requireJson(c);
  const reservation = context.in_flight.reserve();
  try {
    const bytes = await readBody(c.env.incoming, context.limits, reservation);
    const parsed = call.safeParse(parseJson(bytes.toString('utf8')));
    if (!parsed.success) throw new Refusal(400, 'schema', 'The body must be {verb, arguments}', { field: 'verb' });
    const { verb } = parsed.data;
    if (!isVerb(verb)) throw new Refusal(400, 'operate.verb', 'No such verb', { field: 'verb' });
    return { verb, argument: parsed.data.arguments };
  } finally {
    reservation.release();
  }
}

function isVerb(name: string): name is keyof Operator {
  return Object.hasOwn(SCOPES_BY_VERB, name);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Refusal(400, 'json', 'The body is not valid JSON', { cause });
  }
}

const STATUS_BY_EXIT: Partial<Record<ExitCode, number>> = {
  [EXIT.usage]: 400,
  [EXIT.unreachable]: 503,
  [EXIT.forbidden]: 403,
  [EXIT.locked]: 409,
};

/** Everything of an error that the caller needs to raise it again on its side. */
function failure(error: SynclineError): Response {
  const { code, message, hint, field, exit } = error;
  return Response.json(
    { error: { code, message, hint: hint ?? null, field: field ?? null, exit } },
    { status: STATUS_BY_EXIT[exit] ?? 422 },
  );
}
