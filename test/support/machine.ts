/**
 * A machine of one's own: a home with every variable by which Syncline or an agent finds files, the program as a real
 * process in it, and repositories and transcripts as an agent leaves them. Nothing of the real home is ever seen.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DaemonFile } from '../../src/runtime/daemon-file.ts';
import type { Operator, StatusReport } from '../../src/runtime/operator.ts';
import { remoteOperator } from '../../src/runtime/remote-operator.ts';
import { Program, type Ended } from './program.ts';
import { freePort } from './free-port.ts';

export const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
/** The program as a person runs it from a clone. */
export const SYNCLINE = join(REPOSITORY, 'bin', 'syncline');

export interface RunOptions {
  env?: Record<string, string>;
  input?: string;
  cwd?: string;
  /** The program starts others, and what a terminal sends to one it sends to all. */
  group?: boolean;
}

export class Machine implements AsyncDisposable {
  readonly home = mkdtempSync(join(tmpdir(), 'syncline-machine-'));
  readonly state = join(this.home, 'state');
  readonly claude = join(this.home, '.claude');
  readonly projects = join(this.claude, 'projects');
  readonly config_file = join(this.state, 'config.toml');
  readonly #programs = new Set<Program>();

  /** Only what is named here: no proxy, registry or test runner of the machine underneath. */
  env(more: Record<string, string> = {}): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      HOME: this.home,
      SYNCLINE_HOME: this.state,
      XDG_CONFIG_HOME: join(this.home, '.config'),
      XDG_DATA_HOME: join(this.home, '.local', 'share'),
      XDG_STATE_HOME: join(this.home, '.local', 'state'),
      XDG_CACHE_HOME: join(this.home, '.cache'),
      TMPDIR: this.folder('tmp'),
      CLAUDE_CONFIG_DIR: this.claude,
      CODEX_HOME: join(this.home, '.codex'),
      TZ: 'UTC',
      LANG: 'C.UTF-8',
      ...more,
    };
  }

  folder(...names: string[]): string {
    const folder = join(this.home, ...names);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  write(path: string, content: string | Buffer): string {
    const file = join(this.home, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  }

  configure(toml: string): void {
    mkdirSync(this.state, { recursive: true, mode: 0o700 });
    writeFileSync(this.config_file, toml, { mode: 0o600 });
  }

  /** A checkout of `remote` (`github.com/acme/web`), as far as anybody looks at one. */
  checkout(remote: string): string {
    const folder = join('src', ...remote.split('/').slice(1));
    const url = `https://${remote}.git`;
    this.write(join(folder, '.git', 'config'), `[core]\n\tbare = false\n[remote "origin"]\n\turl = ${url}\n`);
    return join(this.home, folder);
  }

  /** The machine's own salt, once it was made. */
  salt(): Uint8Array {
    return Uint8Array.from(Buffer.from(readFileSync(join(this.state, 'keys', 'salt'), 'utf8').trim(), 'hex'));
  }

  /** Runs one command to its end. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return this.start(args, options).ended();
  }

  /** As `run`, for commands that answer with JSON. @throws Error when it exits with another code than `exit`. */
  async json<T>(args: readonly string[], exit = 0): Promise<T> {
    const ended = await this.run([...args, '--json']);
    if (ended.exit !== exit) throw new Error(`syncline ${args.join(' ')} ended with ${ended.exit}: ${ended.stderr}`);
    return JSON.parse(ended.stdout) as T;
  }

  /** The status of the running daemon, asked as the command does but without a process: for looking again and again. */
  async status(): Promise<StatusReport> {
    await using operator = this.operator();
    return await operator.status();
  }

  /** The verbs of the running daemon, as commands reach them but without a process. */
  operator(): Operator & AsyncDisposable {
    return remoteOperator(JSON.parse(readFileSync(join(this.state, 'daemon.json'), 'utf8')) as DaemonFile);
  }

  start(args: readonly string[], options: RunOptions = {}): Program {
    return this.program(SYNCLINE, args, options);
  }

  /** Any program in this machine's environment. */
  program(command: string, args: readonly string[], options: RunOptions = {}): Program {
    const program = new Program(command, args, {
      env: this.env(options.env),
      cwd: options.cwd ?? this.home,
      input: options.input,
      group: options.group,
    });
    this.#programs.add(program);
    return program;
  }

  /** `syncline up` on a free port, listening. */
  async up(args: readonly string[] = [], options: RunOptions = {}): Promise<Program> {
    const program = this.start(['up', '--port', String(await freePort()), '--json', ...args], options);
    await program.ready();
    return program;
  }

  /** `syncline server` on a port of its own, listening. */
  async server(port: number, args: readonly string[] = []): Promise<Program> {
    const program = this.start(['server', '--listen', `127.0.0.1:${port}`, '--json', ...args]);
    await program.ready();
    return program;
  }

  /** Everything that any program printed here so far. */
  printed(): string {
    return [...this.#programs].map(({ stdout, stderr }) => stdout + stderr).join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#programs].map((program) => program.kill()));
    rmSync(this.home, { recursive: true, force: true, maxRetries: 3 });
  }
}
