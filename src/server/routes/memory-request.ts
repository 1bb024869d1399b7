/** One request of the memory API: who asks, what was sent, and how many members must have a write (memory specification §11.1). */
import type { Context } from 'hono';
import type { z } from 'zod';
import { checkAgentId } from '../../memory/fields.ts';
import type { MEMORY_BODIES } from '../../memory/http/bodies.ts';
import type { MemoryAccess } from '../../memory/memory-access.ts';
import type { Caller as MemoryCaller, WriteOptions, Written } from '../../memory/memories.ts';
import { authenticate, requireScope } from '../access/authenticate.ts';
import { mayDo, type Caller } from '../access/scope.ts';
import type { ServerContext } from '../context.ts';
import type { ServerEnv } from '../http/env.ts';
import { readBody } from '../http/read-body.ts';
import { Refusal } from '../http/refusal.ts';
import { requireJson } from '../http/require-json.ts';
import type { ServedMemory } from '../served-memory.ts';

export const MCP_PATH = '/mcp';

/** Of a request's body, as in the original. */
export const MEMORY_BODY_BYTES = 2 * 1024 * 1024;
const MAX_KEY_CHARS = 200;

/** What a handler answers. With `written` the answer waits for the members that were asked for. */
export interface MemoryReply {
  status: number;
  body: Record<string, unknown>;
  written?: Written<unknown>;
  /** How a missed quorum is told: as 503 (default), or among the errors of a bulk. */
  missed?: 'refuse' | 'tell';
}

/** A route of the memory API, as it is matched, checked, answered and described. */
export interface MemoryRoute {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  needs: 'read' | 'write';
  summary: string;
  body?: keyof typeof MEMORY_BODIES;
  handle: (request: MemoryRequest) => Promise<MemoryReply | Response>;
}

export class MemoryRequest {
  readonly access: MemoryAccess;
  readonly served: ServedMemory;
  readonly version: string;
  readonly #c: Context<ServerEnv>;
  readonly #context: ServerContext;
  readonly #caller: Caller;

  private constructor(c: Context<ServerEnv>, context: ServerContext, caller: Caller, served: ServedMemory) {
    this.#c = c;
    this.#context = context;
    this.#caller = caller;
    this.served = served;
    this.access = served.access;
    this.version = context.version;
  }

  /**
   * Checks token, scope and team.
   * @throws Refusal 401, 403, 404 `not_found` where no memory is kept, 429
   */
  static of(c: Context<ServerEnv>, context: ServerContext, needs: 'read' | 'write'): MemoryRequest {
    const caller = authenticate(c, context, ['read']);
    if (needs === 'write') requireWriter(caller);
    context.quota.takeRequest(caller.token_id);
    const { memory } = context;
    if (!memory) throw new Refusal(404, 'not_found', 'This server keeps no memories');
    if (caller.team_id !== memory.team_id)
      throw new Refusal(403, 'team', 'This token belongs to another team', { field: 'Authorization' });
    return new MemoryRequest(c, context, caller, memory);
  }

  /** Whether the token or cookie of this request still stands: asked by an answer that goes on for long. */
  isStillAllowed(): boolean {
    try {
      authenticate(this.#c, this.#context, ['read']);
      return true;
    } catch (error) {
      if (error instanceof Refusal) return false;
      throw error;
    }
  }

  /** Aborts when the client has gone or the server stops. */
  get ended(): AbortSignal {
    return AbortSignal.any([this.#c.req.raw.signal, this.#context.stopped]);
  }

  get mayWrite(): boolean {
    return isWriter(this.#caller);
  }

  param(name: string): string {
    return this.#c.req.param(name) ?? '';
  }

  /** Empty counts as not given. */
  query(name: string): string | undefined {
    return this.#c.req.query(name) || undefined;
  }

  header(name: string): string | undefined {
    return this.#c.req.header(name) || undefined;
  }

  /** @throws Refusal 400 `number` */
  number(name: string): number | undefined {
    const written = this.query(name);
    if (written === undefined) return undefined;
    if (!/^\d{1,9}$/.test(written)) throw new Refusal(400, 'number', `${name} is not a whole number`, { field: name });
    return Number(written);
  }

  /**
   * The body by its schema; without one `{}` where the schema takes that.
   * @throws Refusal 400 `json`, 413, 415, 422 `schema` (as the original answers a JSON of the wrong shape)
   */
  async body<Schema extends z.ZodType>(schema: Schema): Promise<z.output<Schema>> {
    const parsed = schema.safeParse(await this.json());
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const field = issue?.path.join('.') ?? '';
    throw new Refusal(422, 'schema', `${field === '' ? 'The body' : field}: ${issue?.message ?? 'has another shape'}`, {
      field,
    });
  }

  async json(): Promise<unknown> {
    const { incoming } = this.#c.env;
    if (incoming.headers['content-length'] === '0') return {};
    requireJson(this.#c);
    const limits = {
      ...this.#context.limits,
      max_encoded_body_bytes: MEMORY_BODY_BYTES,
      max_body_bytes: MEMORY_BODY_BYTES,
    };
    const reservation = this.#context.in_flight.reserve();
    try {
      const text = (await readBody(incoming, limits, reservation)).toString('utf8');
      return JSON.parse(text);
    } catch (cause) {
      if (cause instanceof SyntaxError) throw new Refusal(400, 'json', 'The body is not valid JSON', { cause });
      throw cause;
    } finally {
      reservation.release();
    }
  }

  /**
   * Who asks, in the original's order: the body's `agent_id`, the header `X-Agent-Id`; else the token's member and device.
   * The session is what `X-Session-Id` says.
   */
  async caller(claimed?: string): Promise<MemoryCaller> {
    const { member, device } = this.#caller;
    const said = claimed ?? this.header('x-agent-id');
    const agent_id = said === undefined ? agentName(`${member}@${device}`) : checkAgentId('agent_id', said);
    const session = this.header('x-session-id');
    return this.access.callerOf(agent_id, session);
  }

  /** @throws Refusal 400 `idempotency_key` */
  async writing(claimed?: string): Promise<WriteOptions> {
    const caller = await this.caller(claimed);
    const key = this.header('idempotency-key');
    if (key === undefined) return { caller };
    if (key.length > MAX_KEY_CHARS)
      throw new Refusal(400, 'idempotency_key', `Idempotency-Key has more than ${MAX_KEY_CHARS} characters`, {
        field: 'Idempotency-Key',
      });
    // A key is the client's own: two tokens that choose the same one are two requests.
    return { caller, idempotency_key: `${this.#caller.token_id} ${key}` };
  }

  /** Members that must have the write before it counts. @throws Refusal 400 `write_quorum` */
  get writeQuorum(): number {
    const written = this.header('x-write-quorum') ?? this.query('write_quorum');
    if (written === undefined) return this.served.settings.write_quorum;
    if (!/^[1-9]\d?$/.test(written))
      throw new Refusal(400, 'write_quorum', 'X-Write-Quorum is not a whole number from 1 to 99', {
        field: 'X-Write-Quorum',
      });
    return Number(written);
  }
}

/**
 * Who may change memories: an operator, or a token made for an agent, which may read and send. A laptop's plain `ingest`
 * token may not: whoever stole one could delete what a team knows.
 */
function isWriter(caller: Caller): boolean {
  return mayDo(caller, ['operate']) || (mayDo(caller, ['read']) && caller.scopes.has('ingest'));
}

function requireWriter(caller: Caller): void {
  if (!isWriter(caller)) requireScope(caller, ['operate']);
}

/** Names of people may hold anything; an agent id may not. */
function agentName(name: string): string {
  return name.replace(/[^A-Za-z0-9_\-:@./]/g, '-').slice(0, 128);
}
