/** Members of one memory on this machine, paired with each other before they start. */
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../test/support/free-port.ts';
import { openMemberKey } from '../../../src/memory/replication/pairing/member-key.ts';
import { PeerBook } from '../../../src/memory/replication/pairing/peer-book.ts';
import { SynclineError } from '../../../src/platform/errors.ts';
import { environmentIn, programFlags } from '../../measured-process.ts';

/** A home with a configuration, a key and a book of peers. */
export interface BenchMember {
  home: string;
  peer_port: number;
}

/** `reachedAt`: where others reach a member's port; not given: at the port itself. */
export async function makeMembers(
  folder: string,
  count: number,
  reachedAt: (peer_port: number) => Promise<number> = async (port) => port,
): Promise<BenchMember[]> {
  const members: BenchMember[] = [];
  for (let i = 0; i < count; i++)
    members.push({ home: mkdtempSync(join(folder, 'member-')), peer_port: await freePort() });
  const keys = members.map(({ home }) => openMemberKey(join(home, 'keys')));
  const ports = await Promise.all(members.map(({ peer_port }) => reachedAt(peer_port)));
  for (const [i, { home, peer_port }] of members.entries()) {
    const lines = ['[storage]', 'max_bytes = "100GiB"', '[memory]', `listen = "127.0.0.1:${peer_port}"`];
    writeFileSync(join(home, 'config.toml'), `${lines.join('\n')}\n`);
    const book = new PeerBook(join(home, 'keys'));
    for (const [k, key] of keys.entries())
      if (k !== i)
        book.add({ name: `m${k}`, fingerprint: key.fingerprint, url: `https://127.0.0.1:${ports[k]}`, added_ms: 0 });
  }
  return members;
}

export interface RunningMember {
  stop: () => Promise<void>;
}

/** Starts a member in a process of its own that answers others until it is stopped; returns when its port is open. */
export async function startMember({ home }: BenchMember): Promise<RunningMember> {
  const script = fileURLToPath(new URL('./member-process.ts', import.meta.url));
  const child = spawn(process.execPath, [...programFlags(), script, JSON.stringify({ home })], {
    env: environmentIn(home),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const listening = new Promise<'listening'>((resolve) => child.stdout.once('data', () => resolve('listening')));
  if ((await Promise.race([ended, listening])) !== 'listening')
    throw new SynclineError('bench.member', 'A member of the memory did not start');
  return {
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
