/** Our members and old peers in one scene: each of ours listens for old peers on loopback and delivers to them. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { systemTimers } from '../../src/platform/timers.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { defaultRetryPolicy } from '../../src/engine/retry.ts';
import { Database } from '../../src/storage/sqlite/database.ts';
import type { MemoryStoreOptions } from '../../src/memory/open-memory-store.ts';
import type { AdmissionPolicy } from '../../src/memory/compat/admission.ts';
import type { SigningKey } from '../../src/memory/compat/ed25519.ts';
import { listenForOldPeers, type CompatListener } from '../../src/memory/compat/listener.ts';
import { OldPeerClient } from '../../src/memory/compat/old-peer-client.ts';
import { OldPeerDelivery } from '../../src/memory/compat/old-peer-delivery.ts';
import { OldPeerPull } from '../../src/memory/compat/old-peer-pull.ts';
import { STRICT_POLICY, openCompat } from '../../src/memory/compat/open-compat.ts';
import { Outgoing } from '../../src/memory/compat/outgoing.ts';
import type { PushReceiver } from '../../src/memory/compat/receive-push.ts';
import { PeerAttestation } from '../../src/memory/compat/peer-attestation.ts';
import type { Sharing } from '../../src/memory/compat/sharing.ts';
import { BaselineMemoryPeer } from './baseline-memory-peer.ts';
import { MemoryMember } from './memory-member.ts';
import { scratchDirectory } from './scratch-directory.ts';

/** What a cluster with nodes before 0.7 has to allow. */
export const OPEN_POLICY: AdmissionPolicy = {
  ...STRICT_POLICY,
  require_enrollment: false,
  require_signature: false,
  trust_body_agent_id: true,
};

const HOP_BY_HOP = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'keep-alive']);

export interface OurNode {
  member: MemoryMember;
  listener: CompatListener;
  receiver: PushReceiver;
  db: Database;
  keys_folder: string;
  defects: unknown[];
}

export interface OurNodeOptions {
  policy?: AdmissionPolicy;
  attestation?: unknown;
  api_key?: string;
  /** What peers may read of which `attestation` says nothing; all that is not private when not given. */
  unlisted?: Sharing | null;
  store?: Partial<MemoryStoreOptions>;
}

/** Everything but what says that it is private. */
export const OPEN: Sharing = { allows: () => true, unscoped: true };

export class CompatRig {
  readonly #scratch = scratchDirectory();
  readonly #nodes: OurNode[] = [];
  readonly #peers: BaselineMemoryPeer[] = [];
  readonly #closing: { close(): Promise<void> }[] = [];
  readonly #servers: Server[] = [];
  /** Wall time of everybody in the scene, in epoch milliseconds. */
  now_ms = 1_800_000_000_000;

  async ours(name: string, options: OurNodeOptions = {}): Promise<OurNode> {
    const member = new MemoryMember(name, ':memory:', options.store);
    member.clock.now_ms = () => this.now_ms;
    const db = new Database(join(this.#scratch.path, `${name}-compat.db`));
    const defects: unknown[] = [];
    const keys_folder = join(this.#scratch.path, `${name}-keys`);
    const { app, receiver } = openCompat({
      memories: member.memories,
      db,
      clock: member.clock,
      redactor: member.redactor,
      agent_id: `syncline:${name}`,
      version: '0',
      keys_folder,
      api_key: options.api_key ?? null,
      policy: options.policy ?? OPEN_POLICY,
      attestation: options.attestation === undefined ? PeerAttestation.none : PeerAttestation.read(options.attestation),
      unlisted: options.unlisted === undefined ? OPEN : options.unlisted,
      member: null,
      isPaused: () => false,
      onDefect: (error) => void defects.push(error),
    });
    const listener = await listenForOldPeers({ app, host: '127.0.0.1', port: 0 });
    const node = { member, listener, receiver, db, keys_folder, defects };
    this.#nodes.push(node);
    return node;
  }

  /** An old node; `skew_ms` is how far its clock is ahead. */
  async old(name: string, skew_ms = 0): Promise<{ peer: BaselineMemoryPeer; url: string }> {
    const peer = new BaselineMemoryPeer({ name, now_ms: () => this.now_ms + skew_ms });
    this.#peers.push(peer);
    return { peer, url: await peer.start() };
  }

  /** Delivery from one of ours to a peer at an address. */
  delivery(
    node: OurNode,
    peer: string,
    url: string,
    more: { signing_key?: SigningKey; receiver?: string; api_key?: string; request_timeout_ms?: number } = {},
    sharing: Sharing = OPEN,
  ): OldPeerDelivery {
    const parts = { clock: node.member.clock, random: seededRandom(7), retry: defaultRetryPolicy };
    const client = this.#client(node, url, more);
    const { memories, redactor } = node.member;
    const outgoing = new Outgoing(sharing, redactor);
    const delivery = new OldPeerDelivery({ ...parts, peer, memories, db: node.db, client, outgoing });
    this.#closing.push(delivery);
    return delivery;
  }

  /** Pulling of one of ours from a peer. */
  pull(node: OurNode, peer: string, url: string): OldPeerPull {
    const client = this.#client(node, url, {});
    this.#closing.push(client);
    const { receiver, db, member } = node;
    return new OldPeerPull({ peer, client, receiver, db, clock: member.clock, allows: null });
  }

  #client(node: OurNode, url: string, more: object): OldPeerClient {
    return new OldPeerClient({
      url,
      agent_id: `syncline:${node.member.name}`,
      insecure: false,
      request_timeout_ms: 5000,
      clock: node.member.clock,
      random: seededRandom(7),
      timers: systemTimers,
      retry: defaultRetryPolicy,
      ...more,
    });
  }

  /** An address in front of another one, which keeps the pushes that pass as a listener on the wire would. */
  async capturing(target: string, captured: { url: string; init: RequestInit }[]): Promise<string> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
          typeof value === 'string' && !HOP_BY_HOP.has(name) ? [[name, value]] : [],
        );
        const method = request.method ?? 'GET';
        const init = { method, headers, ...(method === 'GET' ? {} : { body: Buffer.concat(chunks) }) };
        if (method !== 'GET') captured.push({ url: request.url ?? '/', init });
        void fetch(target + (request.url ?? '/'), init).then(async (reply) => {
          response.writeHead(reply.status, { 'content-type': 'application/json' }).end(await reply.text());
        });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#servers.push(server);
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Lets time pass. */
  tick(ms = 1000): void {
    this.now_ms += ms;
  }

  async close(): Promise<void> {
    for (const one of this.#closing) await one.close();
    for (const peer of this.#peers) await peer.stop();
    for (const server of this.#servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    for (const { member, listener, db } of this.#nodes) {
      await listener.stop();
      await member.close();
      db.close();
    }
    this.#scratch.remove();
  }
}
