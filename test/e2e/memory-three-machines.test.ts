/**
 * The guide of docs/memory.md, "Two laptops and a small server", typed as it stands there, on three machines of which only the server
 * can be dialled; then a wire is cut and put in again.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { promptLine } from '../support/claude-transcripts.ts';
import { until } from '../support/condition.ts';
import { tomlBlock, typedCommands, type TypedCommand } from '../support/console-block.ts';
import { Machine, SYNCLINE } from '../support/machine.ts';
import { canonicalExport } from '../support/memory-export.ts';
import { HomeNetworks, namespacesRefused } from '../support/namespaces.ts';
import type { Ended, Program } from '../support/program.ts';

const GUIDE = 'docs/memory.md';
const HEADING = 'Two laptops and a small server';
const LIMIT = { timeout: 240_000 };

const refused = namespacesRefused();
if (refused !== null) console.warn(`NOT RUN: the three-machine guide needs network namespaces, and here: ${refused}`);

describe.skipIf(refused !== null)(`three machines${refused === null ? '' : ` (not run: ${refused})`}`, () => {
  const machines = new Map<string, Machine>();
  let networks: HomeNetworks;

  const on = (name: string): Machine => machines.get(name)!;
  const start = (name: string, args: readonly string[]): Program => {
    const [command, all] = networks.on(name, SYNCLINE, args);
    return on(name).program(command, all);
  };
  const run = async (name: string, ...args: string[]): Promise<Ended> => start(name, args).ended();
  const recalls = async (name: string, about: string): Promise<string> =>
    (await run(name, 'memory', 'recall', about)).stdout;
  const areEqual = (): boolean => new Set([...machines.values()].map(canonicalExport)).size === 1;

  beforeAll(async () => {
    networks = await HomeNetworks.make(['anna', 'ben'], 4778);
    for (const name of ['server', 'anna', 'ben']) machines.set(name, new Machine());
    // Without an agent's files `up` shows sample data and keeps nothing.
    for (const name of ['anna', 'ben'])
      on(name).write(
        '.claude/projects/-work-web/0a1b2c3d-0000-4000-8000-000000000001.jsonl',
        `${promptLine('u1', 'Hello')}\n`,
      );
    on('server').configure(tomlBlock(GUIDE, HEADING));
  }, 60_000);

  afterAll(async () => {
    for (const machine of machines.values()) await machine[Symbol.asyncDispose]();
    await networks[Symbol.asyncDispose]();
  });

  test('what the guide says, word for word', LIMIT, async () => {
    let link: string | null = null;
    let inviting: Program | null = null;
    for (const { machine, args } of typedCommands(GUIDE, HEADING)) {
      const program = start(
        machine,
        args.map((word) => (word === 'LINK' ? (link ?? word) : word)),
      );
      if (args[0] === 'up') {
        await until(`${machine} is up`, () => existsSync(join(on(machine).state, 'daemon.json')), {
          within_ms: 60_000,
        });
        continue;
      }
      if (args[1] === 'invite') {
        inviting = program;
        link = await until('a link', () => /^https:\S+/.exec(program.stdout)?.[0] ?? null);
        continue;
      }
      if (args[1] === 'recall') {
        await program.ended();
        await recallsInTime(machine, args);
        continue;
      }
      const ended = await program.ended();
      expect(ended, `${machine}$ syncline ${args.join(' ')}: ${ended.stderr}`).toMatchObject({ exit: 0 });
      if (args[1] === 'join') {
        const invited = await inviting!.ended();
        expect(sixWords(invited.stderr)).toBe(sixWords(ended.stderr));
      }
    }
    await until('all three are equal', areEqual, { within_ms: 60_000 });
  });

  /** A reader types it again when it is not there yet. */
  async function recallsInTime(machine: string, args: TypedCommand['args']): Promise<void> {
    const recalled = await until(
      `${machine} recalls it`,
      async () => {
        const { exit, stdout } = await run(machine, ...args);
        return exit === 0 ? stdout : null;
      },
      { within_ms: 60_000, every_ms: 500 },
    );
    expect(recalled).toContain('Two approvals');
  }

  const sixWords = (text: string): string => {
    const words = /these words: (.+)/.exec(text)?.[1] ?? '';
    expect(words.split(' ')).toHaveLength(6);
    return words;
  };

  test('nobody reaches a laptop', LIMIT, async () => {
    for (const address of ['192.168.7.2', '203.0.113.2']) {
      const probe = `require('net').connect({host:'${address}',port:4778,timeout:1500}).on('connect',()=>process.exit(9)).on('timeout',()=>process.exit(1)).on('error',()=>process.exit(1))`;
      const [command, args] = networks.on('server', process.execPath, ['-e', probe]);
      expect((await on('server').program(command, args).ended()).exit).toBe(1);
    }
  });

  test('a cut wire: both sides go on, and are equal when it is back', LIMIT, async () => {
    networks.cut('anna');
    expect((await run('anna', 'memory', 'store', 'Written on the train', 'without a network')).exit).toBe(0);
    expect(await recalls('anna', 'approvals on friday')).toContain('Two approvals');
    expect((await run('ben', 'memory', 'store', 'Rollback', 'Ask Ada first.')).exit).toBe(0);
    await until('the server has it', async () => (await recalls('server', 'rollback')).includes('Ask Ada'), {
      within_ms: 60_000,
      every_ms: 500,
    });
    expect(await recalls('anna', 'rollback')).not.toContain('Ask Ada');
    networks.heal('anna');
    await until('all three are equal', areEqual, { within_ms: 150_000, every_ms: 500 });
    expect(await recalls('anna', 'rollback')).toContain('Ask Ada');
    expect(await recalls('ben', 'train')).toContain('without a network');
    // What a laptop has, the server knows when it speaks next.
    await until('nobody is behind or differs', async () => (await progressOnServer()).every(isWell), {
      within_ms: 60_000,
    });
  });

  interface Progress {
    waiting: number;
    heard_ms: number | null;
    checked_ms: number | null;
    diverged_since_ms: number | null;
  }

  async function progressOnServer(): Promise<Progress[]> {
    const { stdout } = await run('server', 'memory', 'peers', 'list', '--json');
    const { peers } = JSON.parse(stdout) as { peers: { progress: Progress }[] };
    expect(peers).toHaveLength(2);
    return peers.map(({ progress }) => progress);
  }

  const isWell = ({ waiting, heard_ms, checked_ms, diverged_since_ms }: Progress): boolean =>
    waiting === 0 && heard_ms !== null && checked_ms !== null && diverged_since_ms === null;
});
