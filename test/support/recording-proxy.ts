/** Stands before a server and writes down what is asked of it and what it answers; changes nothing. */
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

export interface Exchange {
  method: string;
  path: string;
  /** Uncompressed. */
  body: string;
  status: number;
}

export class RecordingProxy implements AsyncDisposable {
  readonly exchanges: Exchange[] = [];
  readonly #server: Server;
  readonly #port: number;
  #own_port = 0;

  private constructor(port: number) {
    this.#port = port;
    this.#server = createServer((request, response) => void this.#pass(request, response));
  }

  /** In front of 127.0.0.1:port. */
  static async before(port: number): Promise<RecordingProxy> {
    const proxy = new RecordingProxy(port);
    await new Promise<void>((resolve, reject) => proxy.#server.once('error', reject).listen(0, '127.0.0.1', resolve));
    proxy.#own_port = (proxy.#server.address() as AddressInfo).port;
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#own_port}`;
  }

  /**
   * What conversations were written, taken away or marked, or what was asked by one method, since the exchange of that
   * number. That a machine looks at what the server has of its own (GET) says nothing of them.
   */
  transcripts(method: string | null = null, since = 0): Exchange[] {
    return this.exchanges
      .slice(since)
      .filter(
        (one) =>
          one.path.startsWith('/v1/transcripts') && (method === null ? one.method !== 'GET' : one.method === method),
      );
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url: path = '/', headers } = request;
    const body = await bodyOf(request);
    const text = (headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString('utf8');
    const forwarded = httpRequest({
      ...{ host: '127.0.0.1', port: this.#port, method, path },
      headers: { ...headers, host: `127.0.0.1:${this.#port}` },
    });
    forwarded.on('error', () => response.destroy());
    forwarded.on('response', (answer) => {
      this.exchanges.push({ method, path, body: text, status: answer.statusCode ?? 0 });
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forwarded.end(body);
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
