/**
 * Linux network namespaces: a server with an address of its own, and laptops each behind a router that translates addresses, so
 * that the laptops reach the server and nothing reaches the laptops. The routers are two processes joined by a path
 * (`relay.ts`), because not every kernel has its own translation: one listens in the home under the server's address, the
 * other connects from outside.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './condition.ts';
import { Program } from './program.ts';

const RELAY = fileURLToPath(new URL('./relay.ts', import.meta.url));
/** Of the server, from everywhere; an address that documentation uses. */
export const SERVER_ADDRESS = '203.0.113.1';

function ip(...args: string[]): { ok: boolean; why: string } {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  return { ok: status === 0, why: error ? error.message : stderr.trim() };
}

function must(...args: string[]): void {
  const { ok, why } = ip(...args);
  if (!ok) throw new Error(`ip ${args.join(' ')}: ${why}`);
}

/** Why no namespaces can be made here; null where they can. */
export function namespacesRefused(): string | null {
  if (process.platform !== 'linux') return `no network namespaces on ${process.platform}`;
  const name = `syncline-try-${process.pid}`;
  const made = ip('netns', 'add', name);
  if (!made.ok) return `ip netns add: ${made.why}`;
  const wire = ip('-n', name, 'link', 'add', 'try0', 'type', 'veth', 'peer', 'name', 'try1');
  ip('netns', 'delete', name);
  return wire.ok ? null : `ip link add type veth: ${wire.why}`;
}

/** A server and laptops behind routers. Names of namespaces begin with one of this process. */
export class HomeNetworks implements AsyncDisposable {
  readonly #prefix = `sl${process.pid}`;
  readonly #port: number;
  readonly #namespaces: string[] = [];
  readonly #relays: Program[] = [];
  readonly #paths: string[] = [];

  private constructor(port: number) {
    this.#port = port;
  }

  /** `port`: the only one of the server that the routers pass on. */
  static async make(laptops: readonly string[], port: number): Promise<HomeNetworks> {
    const networks = new HomeNetworks(port);
    try {
      networks.#add('server');
      for (const [i, laptop] of laptops.entries()) await networks.#home(laptop, i);
    } catch (error) {
      await networks[Symbol.asyncDispose]();
      throw error;
    }
    return networks;
  }

  /** The command and arguments with which a program runs on a machine. */
  on(machine: string, command: string, args: readonly string[]): [command: string, args: string[]] {
    return ['ip', ['netns', 'exec', this.#name(machine), command, ...args]];
  }

  /** Takes the wire between a router and the world out, or puts it in again. */
  cut(laptop: string): void {
    must('-n', this.#name(`${laptop}-out`), 'link', 'set', 'world', 'down');
  }

  heal(laptop: string): void {
    const outside = this.#name(`${laptop}-out`);
    must('-n', outside, 'link', 'set', 'world', 'up');
    must('-n', outside, 'route', 'replace', 'default', 'via', this.#gateway(laptop));
  }

  readonly #gateways = new Map<string, string>();

  #gateway(laptop: string): string {
    return this.#gateways.get(laptop) ?? '';
  }

  #name(machine: string): string {
    return `${this.#prefix}-${machine}`;
  }

  #add(machine: string): string {
    const name = this.#name(machine);
    must('netns', 'add', name);
    this.#namespaces.push(name);
    must('-n', name, 'link', 'set', 'lo', 'up');
    return name;
  }

  /** A laptop at 192.168.7.2 behind 192.168.7.1; every home has the same inner addresses, as homes do. */
  async #home(laptop: string, number: number): Promise<void> {
    const [inner, router, outside] = [this.#add(laptop), this.#add(`${laptop}-in`), this.#add(`${laptop}-out`)];
    this.#wire([inner, 'home', '192.168.7.2/24'], [router, 'home', '192.168.7.1/24']);
    must('-n', inner, 'route', 'add', 'default', 'via', '192.168.7.1');
    must('-n', router, 'address', 'add', `${SERVER_ADDRESS}/32`, 'dev', 'lo');
    // The server has an address of its own towards each; all of them lead to it.
    const gateway = number === 0 ? SERVER_ADDRESS : `198.51.${99 + number}.1`;
    const own = number === 0 ? '203.0.113.2/24' : `198.51.${99 + number}.2/24`;
    this.#gateways.set(laptop, gateway);
    this.#wire([this.#name('server'), `to-${number}`, `${gateway}/24`], [outside, 'world', own]);
    must('-n', outside, 'route', 'add', 'default', 'via', gateway);
    const path = join(tmpdir(), `${this.#prefix}-${laptop}.sock`);
    this.#paths.push(path);
    await this.#relay(`${laptop}-out`, `unix:${path}`, `tcp:${SERVER_ADDRESS}:${this.#port}`);
    await this.#relay(`${laptop}-in`, `tcp:${SERVER_ADDRESS}:${this.#port}`, `unix:${path}`);
  }

  #wire(...ends: [[string, string, string], [string, string, string]]): void {
    const [[first, name, address], [second, other, its_address]] = ends;
    must('-n', first, 'link', 'add', name, 'type', 'veth', 'peer', 'name', other, 'netns', second);
    must('-n', first, 'address', 'add', address, 'dev', name);
    must('-n', second, 'address', 'add', its_address, 'dev', other);
    must('-n', first, 'link', 'set', name, 'up');
    must('-n', second, 'link', 'set', other, 'up');
  }

  async #relay(machine: string, from: string, to: string): Promise<void> {
    const [command, args] = this.on(machine, process.execPath, [RELAY, from, to]);
    const relay = new Program(command, args, { env: { PATH: process.env['PATH'] ?? '' }, cwd: '/' });
    this.#relays.push(relay);
    await until(`the router of ${machine} listens`, () => relay.stdout.includes('ready') || relay.over);
    if (relay.over) throw new Error(`relay of ${machine}: ${relay.stderr}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#relays.map((relay) => relay.kill()));
    for (const name of this.#namespaces) ip('netns', 'delete', name);
    for (const path of this.#paths) rmSync(path, { force: true });
  }
}
