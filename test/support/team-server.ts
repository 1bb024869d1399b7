/** A team's server as a program of its own, behind a proxy that writes down what machines ask of it. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { freePort } from './free-port.ts';
import { Machine } from './machine.ts';
import { read, type Page } from './page.ts';
import type { Program } from './program.ts';
import { RecordingProxy } from './recording-proxy.ts';
import { TEAM_ID } from './team.ts';

export interface FoundAtServer {
  session_id: string;
  user_id: string;
  project_name: string;
  copies: number;
}

export class TeamServer implements AsyncDisposable {
  readonly machine: Machine;
  readonly proxy: RecordingProxy;
  readonly #port: number;
  #program: Program;
  readonly #read_token: string;

  private constructor(machine: Machine, proxy: RecordingProxy, port: number, program: Program, read_token: string) {
    this.machine = machine;
    this.proxy = proxy;
    this.#port = port;
    this.#program = program;
    this.#read_token = read_token;
  }

  static async start(): Promise<TeamServer> {
    const machine = new Machine();
    const port = await freePort();
    const program = await machine.server(port);
    const token = await tokenAt(machine, { member: 'reader', device: 'browser', scope: 'read' });
    return new TeamServer(machine, await RecordingProxy.before(port), port, program, token);
  }

  /** Ends, loses the conversations it kept, and starts again at the same address. */
  async loseConversations(): Promise<void> {
    await this.#program.stop();
    for (const name of readdirSync(this.machine.state))
      if (name.startsWith('session-store.db')) rmSync(join(this.machine.state, name));
    this.#program = await this.machine.server(this.#port);
  }

  /** Ends; then `work`, with nothing running on its files; and starts again at the same address. */
  async whileStopped(work: () => void): Promise<void> {
    await this.#program.stop();
    work();
    this.#program = await this.machine.server(this.#port);
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    await this.#program.kill();
  }

  async startAgain(): Promise<void> {
    this.#program = await this.machine.server(this.#port);
  }

  /** Where machines send. */
  get url(): string {
    return this.proxy.url;
  }

  token(member: string, device: string, scope = 'ingest'): Promise<string> {
    return tokenAt(this.machine, { member, device, scope });
  }

  /** Asks the reading API as a browser would, past the proxy. */
  get(path: string, token = this.#read_token): Promise<Page> {
    return read(`http://127.0.0.1:${this.#port}${path}`, { authorization: `Bearer ${token}` });
  }

  /** What a reader of the team finds. */
  async search(text: string): Promise<FoundAtServer[]> {
    const page = await this.get(`/api/v1/search?limit=100&q=${encodeURIComponent(text)}`);
    expect(page.status).toBe(200);
    return (JSON.parse(page.body) as { results: FoundAtServer[] }).results;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]();
    await this.machine[Symbol.asyncDispose]();
  }
}

async function tokenAt(
  machine: Machine,
  { member, device, scope }: { member: string; device: string; scope: string },
): Promise<string> {
  await using operator = machine.operator();
  return (await operator.createToken({ team_id: TEAM_ID, member, device, scopes: [scope] })).token;
}
