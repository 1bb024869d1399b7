import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import type { Comparison, SuiteOptions } from '../../harness.ts';
import { MEMBERS, measureWrites } from './quorum-writes.ts';

/** Counts what passes between members: all bytes of their connections in both directions. */
class CountingRelay {
  bytes = 0;
  readonly #servers: Server[] = [];

  /** A port that leads to another one. */
  async to(port: number): Promise<number> {
    const server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      for (const [from, into] of [
        [near, far],
        [far, near],
      ] as const) {
        from.on('data', (chunk) => (this.bytes += chunk.length));
        from.on('error', () => into.destroy());
        from.pipe(into);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#servers.push(server);
    return (server.address() as AddressInfo).port;
  }

  close(): void {
    for (const server of this.#servers) server.close();
  }
}

/** What a row costs on the wire to each of the two others: TLS, HTTP, acks and greetings included, compressed as the program does. */
export function wireBytesComparison({ folder, quick }: SuiteOptions): Comparison {
  const times = quick ? { warm_up_ms: 0, measured_ms: 300 } : { warm_up_ms: 0, measured_ms: 4000 };
  return {
    name: 'bytes on the wire for a row and peer, 64 writers at W=2 of 3',
    unit: 'bytes',
    referenceName: 'the row as its writer hands it over, JSON',
    goal: { at_most: 1.5, of: 'ratio' },
    rounds: quick ? 1 : 3,
    measure: async () => {
      const relay = new CountingRelay();
      const { rows, payload_bytes } = await measureWrites(folder, { writers: 64, ...times }, (port) => relay.to(port));
      relay.close();
      return { ours: relay.bytes / rows / (MEMBERS - 1), reference: payload_bytes / rows };
    },
  };
}
