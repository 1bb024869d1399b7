/**
 * Between one member and another, with the keys of both: to the first it is the second, to the second the first. So it may do to
 * messages what a network does (late, twice, in another order, lost on the way back), and below that to connections:
 * answers that end in the middle, connections that are open and dead.
 */
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { httpsTransport } from '../../src/memory/replication/https/client.ts';
import { startPeerListener, type PeerListener } from '../../src/memory/replication/https/server.ts';
import type { MemberCertificate } from '../../src/memory/replication/pairing/member-key.ts';
import type { PeerTransport } from '../../src/memory/replication/transport.ts';
import { SynclineError, UnreachableError } from '../../src/platform/errors.ts';
import { systemTimers } from '../../src/platform/timers.ts';
import { Draw } from '../simulation/draw.ts';
import { freePort } from './free-port.ts';

export interface Faults {
  delay: number;
  twice: number;
  reorder: number;
  lost_answer: number;
  cut_in_body: number;
}

export const NO_FAULTS: Faults = { delay: 0, twice: 0, reorder: 0, lost_answer: 0, cut_in_body: 0 };

export class MemoryFaultProxy implements AsyncDisposable {
  faults: Faults = NO_FAULTS;
  /** How often each happened: a test that meant to hurt can see that it did. */
  readonly happened = { delay: 0, twice: 0, reorder: 0, lost_answer: 0, cut_in_body: 0, half_open: 0 };
  readonly #draw: Draw;
  readonly #sockets = new Set<Socket>();
  readonly #transport: PeerTransport & { close(): Promise<void> };
  #frozen = false;
  #front!: Server;
  #behind!: PeerListener;

  private constructor(draw: Draw, transport: PeerTransport & { close(): Promise<void> }) {
    this.#draw = draw;
    this.#transport = transport;
  }

  /** Listens on `port` for `from`, and asks `to` at its own port. */
  static async between(
    from: MemberCertificate,
    to: MemberCertificate,
    ports: { listen: number; to: number },
    seed: number,
  ): Promise<MemoryFaultProxy> {
    const url = `https://127.0.0.1:${ports.to}`;
    const transport = httpsTransport({ url, fingerprint: to.fingerprint, own: from });
    const proxy = new MemoryFaultProxy(new Draw(seed, `proxy ${ports.listen}`), transport);
    const inner = await freePort();
    proxy.#behind = await startPeerListener({
      ...{ host: '127.0.0.1', port: inner, own: to, timers: systemTimers },
      memberOf: (fingerprint) => (fingerprint === from.fingerprint ? from.member : null),
      answer: (_, verb, body, signal) => proxy.#pass(verb, body, signal),
      pair: () => Promise.reject(new SynclineError('memory.pairing', 'not here')),
      onDefect: () => undefined,
    });
    await proxy.#listen(ports.listen, inner);
    return proxy;
  }

  async #pass(...[verb, body, signal]: Parameters<PeerTransport['ask']>): Promise<string> {
    if (this.#happens('delay')) await sleep(this.#draw.between(10, 800));
    // Held back while others pass.
    if (this.#happens('reorder')) await sleep(this.#draw.between(200, 1500));
    if (this.#happens('twice')) void this.#transport.ask(verb, body, AbortSignal.timeout(20_000));
    const answer = await this.#transport.ask(verb, body, signal);
    if (this.#happens('lost_answer')) throw new UnreachableError('memory.proxy', 'the answer was lost');
    if (answer.ok) return answer.body;
    if (answer.kind === 'refused') throw new SynclineError(answer.code, answer.message);
    throw new UnreachableError('memory.proxy', answer.message);
  }

  async #listen(port: number, inner: number): Promise<void> {
    this.#front = createServer((near) => this.#join(near, connect({ host: '127.0.0.1', port: inner })));
    await new Promise<void>((resolve, reject) =>
      this.#front.once('error', reject).listen(port, '127.0.0.1', () => resolve()),
    );
    if ((this.#front.address() as AddressInfo).port !== port) throw new Error('another port');
  }

  #join(near: Socket, far: Socket): void {
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on('data', (bytes) => void (this.#frozen ? null : far.write(bytes)));
    far.on('data', (bytes) => {
      if (this.#frozen) return;
      // The handshake passes: what is cut is the middle of an answer.
      if (bytes.length > 64 && near.bytesRead > 2000 && this.#happens('cut_in_body')) {
        near.write(bytes.subarray(0, bytes.length / 2));
        return void near.destroySoon();
      }
      near.write(bytes);
    });
  }

  #happens(fault: keyof Faults): boolean {
    const does = this.#draw.chance(this.faults[fault]);
    if (does) this.happened[fault]++;
    return does;
  }

  /** What is open stays open, and nothing passes; until `thaw`, which ends these connections. */
  freeze(): void {
    this.#frozen = true;
    this.happened.half_open += this.#sockets.size > 0 ? 1 : 0;
  }

  thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.faults = NO_FAULTS;
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#front.close(resolve));
    await this.#behind.stop();
    await this.#transport.close();
  }
}
