/**
 * A team's server as it should be (telemetry specification §6), with faults on demand: any status, `Retry-After`, resets
 * before or after the effect, slow, torn and senseless answers. It records every request and what took effect.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';

export interface Recorded {
  path: string;
  headers: Record<string, string | string[] | undefined>;
  key: string;
  /** Uncompressed. */
  body: string;
  items: string[];
  workspace_hash: string;
  /** What was answered; 0 = the connection was broken. */
  status: number;
}

export interface Fault {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** The items are stored although the answer says or looks otherwise. */
  stored?: boolean;
  /** Breaks the connection instead of an answer. */
  reset?: boolean;
  /** Breaks it in the middle of the answer. */
  torn?: boolean;
  delay_ms?: number;
}

/** Null or undefined: the server does what it should. */
export type Script = (request: Recorded, nth: number) => Fault | null | undefined;

const ITEMS: Record<string, string> = { '/v1/events': 'events', '/v1/tool-spans': 'spans', '/v1/sessions': 'sessions' };

export class FaultServer implements AsyncDisposable {
  readonly requests: Recorded[] = [];
  /** Connections that were made, with or without a request. */
  connections = 0;
  /** Identity of each item that took effect, and how many keys brought it. */
  readonly effects = new Map<string, number>();
  /** What a right client never does. */
  readonly violations: string[] = [];
  script: Script = () => null;
  readonly #keys = new Map<string, string>();
  readonly #server: Server;
  #port = 0;

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on('connection', () => this.connections++);
  }

  static async start(script: Script = () => null, port = 0): Promise<FaultServer> {
    const server = new FaultServer();
    server.script = script;
    await new Promise<void>((resolve, reject) =>
      server.#server.once('error', reject).listen(port, '127.0.0.1', resolve),
    );
    server.#port = (server.#server.address() as AddressInfo).port;
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  of(path: string): Recorded[] {
    return this.requests.filter((request) => request.path === path);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const recorded = this.#record(request, await bodyOf(request));
    const nth = this.requests.push(recorded);
    const fault = this.script(recorded, nth) ?? {};
    if (fault.delay_ms !== undefined) await sleep(fault.delay_ms);
    const answer = this.#effect(recorded, fault);
    recorded.status = fault.reset === true ? 0 : answer.status;
    if (fault.reset === true) return void request.socket.destroy();
    response.writeHead(answer.status, { 'content-type': 'application/json', ...fault.headers });
    if (fault.torn === true) {
      response.write(answer.body.slice(0, 3));
      return void setTimeout(() => request.socket.destroy(), 20);
    }
    response.end(answer.body);
  }

  #record(request: IncomingMessage, raw: Buffer): Recorded {
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    const gzip = request.headers['content-encoding'] === 'gzip';
    const body = (gzip ? gunzipSync(raw) : raw).toString('utf8');
    const json = body === '' ? {} : (JSON.parse(body) as Record<string, unknown>);
    const field = ITEMS[path] ?? '';
    const listed = Array.isArray(json[field]) ? (json[field] as unknown[]) : path === '/v1/sessions' ? [json] : [];
    const key = request.headers['x-kaizen-idempotency-key'];
    this.#check(request, path, gzip);
    return {
      path,
      headers: request.headers,
      key: typeof key === 'string' ? key : '',
      body,
      items: listed.map((item) => JSON.stringify(item)),
      workspace_hash: typeof json['workspace_hash'] === 'string' ? json['workspace_hash'] : '',
      status: 0,
    };
  }

  #check({ method, headers }: IncomingMessage, path: string, gzip: boolean): void {
    const wrong = (what: string): void => void this.violations.push(`${method} ${path}: ${what}`);
    if (method !== 'POST' || !(path in ITEMS)) return wrong('no such route');
    if (!gzip) wrong('not compressed');
    if (headers['content-type'] !== 'application/json') wrong('not application/json');
    if (!/^Bearer \S+$/.test(headers.authorization ?? '')) wrong('no bearer token');
    if (headers['x-kaizen-idempotency-key'] === undefined) wrong('no idempotency key');
  }

  /** What the request does and what is to be answered, faults aside. */
  #effect(recorded: Recorded, fault: Fault): { status: number; body: string } {
    const { key, body, items } = recorded;
    const digest = createHash('sha256').update(body).digest('hex');
    const before = this.#keys.get(key);
    const refused = fault.status !== undefined && fault.stored !== true;
    if (refused || (fault.reset === true && fault.stored !== true))
      return { status: fault.status ?? 0, body: fault.body ?? '{}' };
    if (before !== undefined && before !== digest) {
      this.violations.push(`${recorded.path}: key ${key} came with another body`);
      return { status: 422, body: JSON.stringify({ code: 'idempotency_key_reused' }) };
    }
    this.#keys.set(key, digest);
    if (before === undefined)
      for (const item of items) this.effects.set(identityOf(item), (this.effects.get(identityOf(item)) ?? 0) + 1);
    const status = fault.status ?? (before === undefined ? 202 : 409);
    return { status, body: fault.body ?? JSON.stringify({ received: items.length, deduped: 0 }) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** What makes an item the same item: its origin, else its own content. */
export function identityOf(item: string): string {
  const { origin_id_hash, span_id_hash } = JSON.parse(item) as Record<string, unknown>;
  const id = origin_id_hash ?? span_id_hash;
  return typeof id === 'string' ? id : item;
}
