/** A process of the real program: what it printed, how it ended, and the means to end it in any way. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { until } from './condition.ts';

export interface Ended {
  exit: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** What `up --json` and `server --json` print once they listen. */
export interface Ready {
  url: string;
  pid: number;
  home: string;
  sample?: boolean;
}

export class Program {
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ended>;
  /** Signals go to the whole group, as those of a terminal do. */
  readonly #group: boolean;
  #over = false;

  constructor(
    command: string,
    args: readonly string[],
    options: { env: Record<string, string>; cwd: string; input?: string | undefined; group?: boolean | undefined },
  ) {
    this.#group = options.group === true;
    this.#child = spawn(command, args, { env: options.env, cwd: options.cwd, stdio: 'pipe', detached: this.#group });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    // A command that reads nothing may be gone before its input is written.
    this.#child.stdin?.on('error', () => undefined).end(options.input ?? '');
    this.#ended = once(this.#child, 'close').then(() => {
      this.#over = true;
      const { exitCode, signalCode } = this.#child;
      return { exit: exitCode, signal: signalCode, stdout: this.stdout, stderr: this.stderr };
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get over(): boolean {
    return this.#over;
  }

  ended(): Promise<Ended> {
    return this.#ended;
  }

  /** The first JSON document on stdout, once it is whole. @throws Error with stderr when the program ended before. */
  async ready(within_ms = 30_000): Promise<Ready> {
    const ready = await until(
      'the program listens',
      () => {
        const end = this.stdout.indexOf('\n}\n');
        if (end >= 0) return JSON.parse(this.stdout.slice(0, end + 2)) as Ready;
        return this.#over ? 'ended' : null;
      },
      { within_ms },
    );
    if (ready === 'ended') {
      const { exit } = await this.#ended;
      throw new Error(`ended with ${exit} before it listened: ${this.stderr}${this.stdout}`);
    }
    return ready;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#over) return;
    if (this.#group) process.kill(-this.pid, signal);
    else this.#child.kill(signal);
  }

  /** Ends it as a person does, and waits. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.signal(signal);
    return this.#ended;
  }

  /** `kill -9`, and waits until it is gone. */
  async kill(): Promise<Ended> {
    return this.stop('SIGKILL');
  }
}
