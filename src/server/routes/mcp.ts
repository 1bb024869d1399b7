/**
 * `POST /mcp`: the memory server by streamable HTTP, without sessions: every request stands alone, so that none is lost when
 * Syncline is started again, and nothing is held for clients that went away. Answers are JSON; `GET` is 405, as the protocol allows.
 */
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import type { Context } from 'hono';
import { memoryServer } from '../../memory/mcp/memory-server.ts';
import { toolsOf } from '../../memory/mcp/tool-sets.ts';
import type { ServerContext } from '../context.ts';
import type { ServerEnv } from '../http/env.ts';
import { memoryRefusal } from './memories.ts';
import { MCP_PATH, MemoryRequest } from './memory-request.ts';

export async function answerMcp(c: Context<ServerEnv>, context: ServerContext): Promise<Response> {
  try {
    const request = MemoryRequest.of(c, context, 'read');
    const body = await request.json();
    const { agent_id } = await request.caller();
    const session_id = request.header('x-session-id');
    const server = memoryServer({
      withAccess: (use) => use(request.access),
      random: context.random,
      version: context.version,
      tools: toolsOf(request.query('tools')),
      may_write: request.mayWrite,
      agent_id,
      ...(session_id === undefined ? {} : { session_id }),
      onDefect: (error) => context.onDefect(error, MCP_PATH),
    });
    const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
    await server.connect(transport);
    try {
      return await transport.handleRequest(asRequest(c), { parsedBody: body });
    } finally {
      await server.close();
    }
  } catch (error) {
    return memoryRefusal(error, context, MCP_PATH);
  }
}

/** What the transport looks at; the body was read and bounded before. */
function asRequest(c: Context<ServerEnv>): Request {
  const headers = new Headers();
  for (const name of ['accept', 'content-type', 'mcp-protocol-version']) headers.set(name, c.req.header(name) ?? '');
  if (headers.get('mcp-protocol-version') === '') headers.delete('mcp-protocol-version');
  return new Request(`http://localhost${MCP_PATH}`, { method: 'POST', headers });
}
