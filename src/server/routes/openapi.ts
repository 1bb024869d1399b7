import { z } from 'zod';
import { MEMORY_BODIES } from '../../memory/http/bodies.ts';
import {
  eventsBody,
  repoSnapshotsBody,
  sessionsBody,
  singleSessionBody,
  toolSpansBody,
  workspaceFactsBody,
} from '../../telemetry/wire/body.ts';
import { MEMORY_ROUTES } from './memories.ts';
import { MCP_PATH } from './memory-request.ts';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of this server, out of the very schemas that check the bodies. */
export function openApi(version: string): Json {
  return {
    openapi: '3.1.0',
    info: { title: 'Syncline', version, license: { name: 'MIT', identifier: 'MIT' } },
    paths: {
      '/v1/events': { post: ingestOperation('Events', schemaRef('EventsBody')) },
      '/v1/tool-spans': { post: ingestOperation('Tool spans', schemaRef('ToolSpansBody')) },
      '/v1/sessions': {
        post: ingestOperation('Sessions', { oneOf: [schemaRef('SessionBody'), schemaRef('SessionsBody')] }),
      },
      '/v1/sessions/{session_id_hash}': { delete: eraseOperation },
      '/v1/repo-snapshots': { post: ingestOperation('Repository snapshots', schemaRef('RepoSnapshotsBody')) },
      '/v1/workspace-facts': { post: ingestOperation('Workspace facts', schemaRef('WorkspaceFactsBody')) },
      '/v1/health': { get: readOperation('Version and accepted schema versions', []) },
      '/v1/config': { get: readOperation('Batch limits and encodings') },
      '/healthz': { get: readOperation('200 when ready, 503 while starting', []) },
      '/metrics': { get: readOperation('Metrics in Prometheus text form') },
      ...memoryPaths(),
      [MCP_PATH]: { post: readOperation('Model Context Protocol, streamable HTTP without sessions') },
      '/v1/operate': {
        post: {
          summary: 'One operator verb by name',
          security: [{ token: [] }],
          requestBody: { required: true, content: { 'application/json': { schema: schemaRef('Call') } } },
          responses: { 200: { description: '{result}' }, default: { description: '{error} or a refusal' } },
        },
      },
    },
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: {
        EventsBody: jsonSchema(eventsBody),
        ToolSpansBody: jsonSchema(toolSpansBody),
        SessionBody: jsonSchema(singleSessionBody),
        SessionsBody: jsonSchema(sessionsBody),
        RepoSnapshotsBody: jsonSchema(repoSnapshotsBody),
        WorkspaceFactsBody: jsonSchema(workspaceFactsBody),
        ...Object.fromEntries(Object.entries(MEMORY_BODIES).map(([name, schema]) => [name, jsonSchema(schema)])),
        MemoryRefusal: memoryRefusal,
        Call: { type: 'object', required: ['verb'], properties: { verb: { type: 'string' }, arguments: {} } },
        Accepted: counts,
        Refusal: refusal,
      },
    },
  };
}

const counts = {
  type: 'object',
  required: ['received', 'deduped'],
  properties: { received: { type: 'integer' }, deduped: { type: 'integer' } },
};

const refusal = {
  type: 'object',
  required: ['code', 'field', 'message'],
  properties: {
    code: { type: 'string' },
    field: { type: ['string', 'null'] },
    message: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['index', 'field', 'code', 'message'],
        properties: {
          index: { type: 'integer', description: 'Place in the array; -1 for the envelope.' },
          field: { type: 'string' },
          code: { type: 'string' },
          message: { type: 'string' },
        },
      },
    },
  },
};

/** The original's form of a refusal, with ours beside. */
const memoryRefusal = {
  type: 'object',
  required: ['error', 'code'],
  properties: {
    error: { type: 'string' },
    code: { type: 'string' },
    field: { type: 'string' },
    hint: { type: 'string' },
    existing_id: { type: 'string', description: 'With CONFLICT: the memory that has the title.' },
    got: { type: 'integer', description: 'With quorum_not_met: members that have it, this one included.' },
    needed: { type: 'integer' },
    reason: { enum: ['unreachable', 'timeout'] },
    receipt: { type: 'object', description: 'With quorum_not_met: what GET /api/v1/writes/{operation} tells.' },
  },
};

const REFUSED = {
  400: 'Not JSON, not the schema, or no idempotency key; nothing was stored',
  401: 'No valid token',
  403: 'Wrong scope, team, Host or Origin',
  413: 'Too large; the answer names the limit',
  415: 'Content type or encoding not taken',
  422: 'The idempotency key came before with another body',
  426: 'Schema version not taken',
  429: 'Quota used up; Retry-After in seconds',
  503: 'At a limit for the moment; Retry-After in seconds',
  507: 'Storage is full',
};

function ingestOperation(summary: string, schema: Json): Json {
  const refusals = Object.entries(REFUSED).map(([status, description]) => [
    status,
    { description, content: { 'application/json': { schema: schemaRef('Refusal') } } },
  ]);
  const accepted = { 'application/json': { schema: schemaRef('Accepted') } };
  return {
    summary,
    security: [{ token: [] }],
    parameters: [
      {
        name: 'X-Syncline-Idempotency-Key',
        in: 'header',
        required: true,
        description: 'One per batch and body; X-Kaizen-Idempotency-Key is read as well.',
        schema: { type: 'string', maxLength: 200 },
      },
    ],
    requestBody: { required: true, content: { 'application/json': { schema } } },
    responses: {
      202: { description: 'Stored', content: accepted },
      409: { description: 'This batch came before; the first answer again', content: accepted },
      ...Object.fromEntries(refusals),
    },
  };
}

const eraseOperation: Json = {
  summary: "Erase the caller's own telemetry of a session: its account, events and spans; nothing of it comes in again",
  security: [{ token: [] }],
  parameters: [
    { name: 'session_id_hash', in: 'path', required: true, schema: { type: 'string', maxLength: 200 } },
    {
      ...{ name: 'team_id', in: 'query', required: false, schema: { type: 'string' } },
      description: 'Of the token; another one is refused.',
    },
  ],
  responses: {
    200: {
      description: 'Nothing of it is there: erased now, or absent before (also the second time)',
      content: {
        'application/json': {
          schema: { type: 'object', required: ['result'], properties: { result: { enum: ['erased', 'absent'] } } },
        },
      },
    },
    ...Object.fromEntries(
      [
        [400, 'The hash is empty or longer than 200 characters'],
        [401, 'No valid token'],
        [403, 'Wrong scope, team, Host or Origin; or `no_member`: a token of the whole team'],
        [409, '`foreign_owner`: another member sent some of it; nothing was changed'],
        [429, 'Quota used up; Retry-After in seconds'],
        [503, 'At a limit for the moment; Retry-After in seconds'],
        [507, 'Storage is full'],
      ].map(([status, description]) => [
        status,
        { description, content: { 'application/json': { schema: schemaRef('Refusal') } } },
      ]),
    ),
  },
};

/** The routes of memories, out of the table that serves them. */
function memoryPaths(): Json {
  const paths: Record<string, Json> = {};
  for (const { method, path, needs, summary, body } of MEMORY_ROUTES) {
    const named = path.replace(/:(\w+)/g, '{$1}');
    const refused = {
      description: '{error, code}',
      content: { 'application/json': { schema: schemaRef('MemoryRefusal') } },
    };
    const parameters = [
      ...[...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
        name,
        in: 'path',
        required: true,
        schema: { type: 'string' },
      })),
      ...(needs === 'write' ? WRITE_HEADERS : []),
    ];
    (paths[named] ??= {})[method.toLowerCase()] = {
      summary,
      security: [{ token: [] }],
      ...(parameters.length > 0 ? { parameters } : {}),
      ...(body === undefined ? {} : { requestBody: { content: { 'application/json': { schema: schemaRef(body) } } } }),
      responses: { 200: { description: 'OK' }, default: refused },
    };
  }
  return paths;
}

const WRITE_HEADERS = [
  {
    ...{ name: 'Idempotency-Key', in: 'header', schema: { type: 'string', maxLength: 200 } },
    description: 'A repeat with the same body has the first effect and answer.',
  },
  {
    ...{ name: 'X-Write-Quorum', in: 'header', schema: { type: 'integer', minimum: 1, maximum: 99 } },
    description: 'Members that must have the write; fewer in time: 503 quorum_not_met. Default memory.write_quorum.',
  },
];

function readOperation(summary: string, security: Json[] = [{ token: [] }]): Json {
  return { summary, security, responses: { 200: { description: 'OK' } } };
}

function schemaRef(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

/** JSON Schema of what is read (not of what comes out). `payload` may be any JSON, but must be there. */
function jsonSchema(schema: z.ZodType): Json {
  return z.toJSONSchema(schema, {
    io: 'input',
    override: ({ jsonSchema: target }) => {
      if (target.properties?.['payload'] !== undefined && !target.required?.includes('payload'))
        target.required = [...(target.required ?? []), 'payload'];
    },
  });
}
