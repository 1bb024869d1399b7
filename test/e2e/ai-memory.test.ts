/** A daemon of ours beside a node of ai-memory: real processes, exchanging both ways, offline and back, killed with kill -9. */
import { randomUUID, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fingerprintOf } from '../../src/memory/compat/client-certificates.ts';
import { signingKey } from '../../src/memory/compat/ed25519.ts';
import { formatPublicKey } from '../../src/memory/compat/key-directory.ts';
import { signatureHeader } from '../../src/memory/compat/signature.ts';
import { openMemberCertificate } from '../../src/memory/replication/pairing/member-key.ts';
import { until } from '../support/condition.ts';
import { freePort } from '../support/free-port.ts';
import { Machine, REPOSITORY } from '../support/machine.ts';
import type { BaselineRow, SentPush } from '../support/baseline-memory-peer.ts';
import type { Program } from '../support/program.ts';

const LIMIT = { timeout: 240_000 };
const WITHIN = { within_ms: 60_000 };

/** A key that no rule of ours lets pass, written where redaction is switched off. */
const SECRET = `ghp_${'a1B2c3D4e5F6g7H8i9'.repeat(2)}`;
/** Words that stand only in what must not leave. */
const PRIVATE = 'quokka-among-ourselves';

let machine: Machine;
let daemon: Program;
let old: OldNode;
let compat_url: string;
const stranger = signingKey(new Uint8Array(32).fill(9));

/** The other program, with what its users do. */
class OldNode {
  readonly port: number;
  program: Program | null = null;
  #control = '';

  constructor(port: number) {
    this.port = port;
  }

  async start(): Promise<void> {
    const script = join(REPOSITORY, 'test', 'support', 'ai-memory-node.ts');
    const database = join(machine.home, 'old.db');
    const args = [script, 'host:old', database, String(this.port), compat_url];
    this.program = machine.program(process.execPath, args);
    this.#control = ((await this.program.ready()) as unknown as { control: string }).control;
  }

  async ask<T>(verb: string, ...values: unknown[]): Promise<T> {
    const reply = await fetch(`${this.#control}/${verb}`, { method: 'POST', body: JSON.stringify(values) });
    return (await reply.json()) as T;
  }

  async titles(): Promise<string[]> {
    return (await this.ask<BaselineRow[]>('rows')).map(({ title }) => title).sort();
  }
}

beforeAll(async () => {
  machine = new Machine();
  const [port, old_port] = [await freePort(), await freePort()];
  compat_url = `http://127.0.0.1:${port}`;
  machine.configure(`
[memory]
name = "ours"
unredacted = ["vault"]
compat_listen = "127.0.0.1:${port}"

[memory.compat]
pull_every = "1s"

[[memory.compat.peer]]
name = "old"
agent_id = "host:old"
url = "http://127.0.0.1:${old_port}"
send = ["team/**", "vault"]
take = ["team/**"]
unsigned = true

[[memory.compat.peer]]
name = "signing"
agent_id = "host:signing"
public_key = "${formatPublicKey(stranger.public_key)}"
send = ["elsewhere"]
take = ["team/**"]
`);
  daemon = await machine.up(['--no-capture']);
  old = new OldNode(old_port);
  await old.start();
}, 120_000);

afterAll(() => machine[Symbol.asyncDispose]());

async function store(title: string, more: Record<string, unknown> = {}): Promise<string> {
  const { value } = (await machine.operator().memory({
    method: 'store',
    arguments: [
      { title, content: `of ${title}`, namespace: 'team/ops', scope: 'team', ...more },
      { caller: { agent_id: 'ann' } },
    ],
  })) as { value: { result: { memory: { id: string } } } };
  return value.result.memory.id;
}

async function ourTitles(): Promise<string[]> {
  const { value } = (await machine.operator().memory({ method: 'list', arguments: [{ limit: 1000 }] })) as {
    value: { title: string }[];
  };
  return value.map(({ title }) => title).sort();
}

async function operations(): Promise<number> {
  const { value } = (await machine.operator().memory({ method: 'statistics', arguments: [] })) as {
    value: { operations: number };
  };
  return value.operations;
}

const push = async (body: Buffer, headers: Record<string, string>): Promise<[number, unknown]> => {
  const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body };
  const reply = await fetch(`${compat_url}/api/v1/sync/push`, init);
  return [reply.status, await reply.json()];
};

test('what is shared goes there, what is private never does, and what leaves is masked', LIMIT, async () => {
  await store('Shared');
  await store(`${PRIVATE} by scope`, { scope: 'private' });
  await store(`${PRIVATE} without a scope`, { scope: undefined });
  await store(`${PRIVATE} elsewhere`, { namespace: 'other' });
  const kept = await store('Vault', { namespace: 'vault', content: `the key is ${SECRET}` });
  await until('the old one has it', async () => (await old.titles()).length === 2, WITHIN);
  expect(await old.titles()).toEqual(['Shared', 'Vault']);
  const vault = (await machine.run(['memory', 'get', kept, '--json'])).stdout;
  expect(vault).toContain(SECRET);
  const there = (await old.ask<BaselineRow[]>('rows')).find(({ id }) => id === kept);
  expect(there?.['content']).not.toContain(SECRET);
});

test('what is made private, or moves away, is taken back; deleting it tells nothing', LIMIT, async () => {
  const secret = await store('Soon private');
  const moving = await store('Soon elsewhere');
  const never = await store(`${PRIVATE} deleted`, { scope: 'private' });
  await until('both are there', async () => (await old.titles()).length === 4, WITHIN);
  const change = (id: string, what: object): Promise<unknown> =>
    machine.operator().memory({ method: 'update', arguments: [id, what, { caller: { agent_id: 'ann' } }] });
  await change(secret, { metadata: { scope: 'private' } });
  await change(moving, { namespace: 'other' });
  await machine.operator().memory({ method: 'delete', arguments: [never, { caller: { agent_id: 'ann' } }] });
  await until('both are gone', async () => (await old.titles()).length === 2, WITHIN);
  const bodies = await old.ask<{ body: string }[]>('received');
  expect(bodies.some(({ body }) => body.includes(never))).toBe(false);
});

test('what the old one writes comes here, by push and by pull, in its namespaces only', LIMIT, async () => {
  const { sent } = await old.ask<{ sent: SentPush[] }>('create', { title: 'Pushed', namespace: 'team/ops' });
  expect(sent).toMatchObject([{ status: 200, body: { applied: 1, skipped: 0 } }]);
  const refused = await old.ask<{ sent: SentPush[] }>('create', { title: 'Not ours', namespace: 'global' });
  expect(refused.sent).toMatchObject([{ status: 200, body: { applied: 0, skipped: 1 } }]);
  const row = (await old.ask<BaselineRow[]>('rows')).find(({ title }) => title === 'Pushed');
  const updated_at = new Date().toISOString().replace('Z', '000000+00:00');
  await old.ask('put', { ...row, id: randomUUID(), title: 'Written by its MCP server', updated_at });
  await until('it was pulled', async () => (await ourTitles()).includes('Written by its MCP server'), WITHIN);
  expect(await ourTitles()).not.toContain('Not ours');
});

test(
  'offline and back, and the daemon was killed meanwhile: it is a state, and nothing is lost (D19)',
  LIMIT,
  async () => {
    await old.program?.kill();
    await store('While it is away');
    const offline = await until(
      'status says so',
      async () => {
        const { destinations } = await machine.status();
        return destinations.find(({ destination, circuit }) => destination === 'old' && circuit === 'open');
      },
      WITHIN,
    );
    expect(offline).toMatchObject({ stream: 'memory', state: 'active', waiting: 1 });
    expect(offline.offline_since_ms).not.toBeNull();
    const metrics = await scrape();
    expect(metrics).toContain('syncline_destination_waiting_entries{destination="old",stream="memory"} 1');
    await daemon.kill();
    daemon = await machine.up(['--no-capture']);
    await old.start();
    await until('it has it', async () => (await old.titles()).includes('While it is away'), WITHIN);
    await until(
      'status is well',
      async () => {
        const found = (await machine.status()).destinations.find(({ destination }) => destination === 'old');
        return found?.circuit === 'closed' && found.waiting === 0;
      },
      WITHIN,
    );
  },
);

test('paused is paused, over a kill -9, until it is resumed', LIMIT, async () => {
  expect((await machine.run(['pause', 'memory', '--to', 'old'])).exit).toBe(0);
  const before = (await old.ask<unknown[]>('received')).length;
  await store('While paused');
  await daemon.kill();
  daemon = await machine.up(['--no-capture']);
  const preview = await machine.json<{ batches: { destination: string; body: string }[] }>(['preview', 'memory']);
  expect(preview.batches).toMatchObject([{ destination: 'old' }]);
  expect(preview.batches[0]?.body).toContain('While paused');
  expect(await old.ask<number>('catchUp', compat_url)).toBe(0);
  expect((await old.ask<unknown[]>('received')).length).toBe(before);
  expect((await machine.run(['resume', 'memory', '--to', 'old'])).exit).toBe(0);
  await until('it has it', async () => (await old.titles()).includes('While paused'), WITHIN);
  // What was shown is what left.
  const bodies = (await old.ask<{ body: string }[]>('received')).map(({ body }) => timeless(body));
  expect(bodies).toContain(timeless(preview.batches[0]?.body ?? ''));
});

test(
  'kill -9 of either in the middle of a hundred writes on both sides: each acknowledged one is on both',
  LIMIT,
  async () => {
    const acknowledged: string[] = [];
    for (let i = 0; i < 50; i++) {
      const here = await store(`Ours ${i}`).then(
        () => true,
        () => false,
      );
      if (here) acknowledged.push(`Ours ${i}`);
      const created = await old
        .ask<{ sent: SentPush[] }>('create', { title: `Theirs ${i}`, namespace: 'team/ops' })
        .catch(() => null);
      if (created) acknowledged.push(`Theirs ${i}`);
      if (i === 15) {
        await daemon.kill();
        daemon = await machine.up(['--no-capture']);
      }
      if (i === 30) {
        await old.program?.kill();
        await old.start();
      }
    }
    expect(acknowledged.length).toBeGreaterThan(90);
    for (const titles of [ourTitles, () => old.titles()]) {
      const missing = async (): Promise<string[]> => {
        const there = new Set(await titles());
        return acknowledged.filter((title) => !there.has(title));
      };
      await until('all are there', async () => (await missing()).length === 0, { within_ms: 120_000 });
    }
  },
);

test('then it is quiet: nothing circles', LIMIT, async () => {
  const quiet = await untilQuiet();
  for (const row of (await old.ask<BaselineRow[]>('rows')).slice(0, 20)) await old.ask('broadcastRow', row);
  expect(await untilQuiet()).toBe(quiet);
});

/** What both have done, once two looks with three pulls between them see the same. */
async function untilQuiet(): Promise<string> {
  let before = '';
  const look = async (): Promise<string | null> => {
    const now = JSON.stringify([await operations(), (await old.ask<unknown[]>('received')).length]);
    const same = now === before;
    before = now;
    return same ? now : null;
  };
  return until('nothing happens any more', look, { within_ms: 60_000, every_ms: 3000 });
}

test(
  'a signed request counts once, also after a restart, and an unsigned one of that peer never (T16)',
  LIMIT,
  async () => {
    const row = {
      ...{
        id: randomUUID(),
        tier: 'mid',
        namespace: 'team/ops',
        title: 'Signed',
        content: 'by 0.7',
        tags: [],
        priority: 5,
      },
      ...{ confidence: 1, source: 'api', access_count: 0, metadata: { scope: 'team' } },
      ...{ created_at: '2026-05-07T10:00:00+00:00', updated_at: '2026-05-07T10:00:00+00:00' },
    };
    const body = Buffer.from(JSON.stringify({ sender_agent_id: 'host:signing', memories: [row], dry_run: false }));
    const nonce = randomUUID();
    const signed = {
      ...{ 'x-peer-id': 'host:signing', 'x-memory-nonce': nonce },
      'x-memory-sig': signatureHeader(stranger, { body }, nonce),
    };
    expect(await push(body, signed)).toMatchObject([200, { applied: 1, skipped: 0 }]);
    expect(await push(body, signed)).toEqual([401, { error: 'x_memory_nonce_replay' }]);
    await daemon.kill();
    daemon = await machine.up(['--no-capture']);
    expect(await push(body, signed)).toEqual([401, { error: 'x_memory_nonce_replay' }]);
    expect(await push(body, { 'x-peer-id': 'host:signing' })).toEqual([401, { error: 'x_memory_sig_missing' }]);
    expect(await push(body, {})).toEqual([403, { error: 'peer_id_header_missing' }]);
    const as_old = Buffer.from(body.toString().replace('host:signing', 'host:unknown'));
    expect(await push(as_old, {})).toEqual([401, { error: 'x_peer_id_not_in_allowlist' }]);
    expect(await ourTitles()).toContain('Signed');
  },
);

test('one of ours that is taken for ai-memory is not spoken to in its dialect', LIMIT, async () => {
  await using other = new Machine();
  other.configure(`
[memory]
name = "other"
[[memory.compat.peer]]
name = "really-ours"
url = "${compat_url}"
send = ["**"]
take = ["**"]
unscoped = true
`);
  await other.up(['--no-capture']);
  await other.run(['memory', 'store', 'Of the other', 'x']);
  const found = await until(
    'it is seen',
    async () => {
      const { destinations } = await other.status();
      return destinations.find(({ destination, last_error }) => destination === 'really-ours' && last_error !== null);
    },
    WITHIN,
  );
  expect(found.last_error?.message).toMatch(/it is a Syncline: pair it/);
  expect(await ourTitles()).not.toContain('Of the other');
});

test(
  'over TLS: a listed client certificate gets in, no other does, and only the pinned server is spoken to',
  LIMIT,
  async () => {
    await using server = new Machine();
    await using caller = new Machine();
    const [ours, theirs] = [await identity(server, 'server'), await identity(caller, 'caller')];
    server.write('state/allowed.txt', `# the caller\n${theirs.fingerprint}\n`);
    const port = await freePort();
    server.configure(`
[memory]
compat_listen = "127.0.0.1:${port}"
[memory.compat]
tls_cert = "server.crt"
tls_key = "server.key"
mtls_allowlist = "allowed.txt"
[[memory.compat.peer]]
name = "caller"
unsigned = true
take = ["team"]
`);
    await server.up(['--no-capture']);
    const peer = (name: string, pinned: string): string =>
      `[[memory.compat.peer]]\nname = "${name}"\nagent_id = "${name}"\nurl = "https://127.0.0.1:${port}"\nsend = ["**"]\nfingerprint = "${pinned}"\n`;
    const own = '[memory.compat]\nclient_cert = "caller.crt"\nclient_key = "caller.key"\n';
    const errorsOf = async (machine: Machine, config: string): Promise<Record<string, string>> => {
      machine.configure(config);
      await machine.up(['--no-capture']);
      await machine.run(['memory', 'store', 'One', 'x', '--scope', 'team']);
      const tried = await until(
        'each was tried',
        async () => {
          const { destinations } = await machine.status();
          const peers = destinations.filter(({ stream }) => stream === 'memory');
          return peers.every(({ last_error }) => last_error !== null) ? peers : null;
        },
        WITHIN,
      );
      return Object.fromEntries(tried.map(({ destination, last_error }) => [destination, last_error?.message ?? '']));
    };
    // What is behind the door is one of ours: that it says so is the proof of having been let in.
    const listed = await errorsOf(caller, own + peer('right', ours.fingerprint) + peer('wrong', theirs.fingerprint));
    expect(listed['right']).toMatch(/it is a Syncline/);
    expect(listed['wrong']).toMatch(/ERR_TLS_PINNED/);
    await using stranger = new Machine();
    const unlisted = await errorsOf(stranger, peer('right', ours.fingerprint));
    expect(unlisted['right']).not.toMatch(/it is a Syncline/);
  },
);

test('nothing that is private was in any byte that the old one was sent or could fetch', LIMIT, async () => {
  await old.ask('catchUp', compat_url);
  const everything = JSON.stringify([await old.ask('received'), await old.ask('rows'), await old.ask('links')]);
  expect(everything).toContain('Shared');
  for (const forbidden of [PRIVATE, SECRET]) expect(everything).not.toContain(forbidden);
});

/** A certificate and its key, as PEM files beside the configuration of a machine. */
async function identity(of: Machine, name: string): Promise<{ fingerprint: string }> {
  const { certificate, private_key } = await openMemberCertificate(join(of.home, `identity-${name}`));
  of.write(`state/${name}.crt`, certificate);
  of.write(`state/${name}.key`, private_key);
  return { fingerprint: fingerprintOf(new X509Certificate(certificate).raw) };
}

/** Without the one member that says when it was sent. */
function timeless(body: string): string {
  return body.replace(/"sender_wall_clock":"[^"]*"/, '');
}

async function scrape(): Promise<string> {
  const { url, token } = JSON.parse(readFileSync(join(machine.state, 'daemon.json'), 'utf8')) as {
    url: string;
    token: string;
  };
  return (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } })).text();
}
