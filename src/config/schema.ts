/**
 * The one schema of the configuration: file, environment, flags and defaults are all read by it, and the reference page,
 * the JSON Schema and `config show` are made from it. A key that nothing reads does not belong here.
 */
import { z } from 'zod';
import * as field from './fields.ts';

/** A [team] or destination without TLS would show its token and data to every network on the way (R7). */
function refusePlainHttp(
  section: { url: string; insecure: boolean },
  issues: { addIssue(issue: { code: 'custom'; path: string[]; message: string }): void },
): void {
  const { protocol, hostname } = new URL(section.url);
  if (protocol === 'https:' || section.insecure || field.isLoopbackHost(hostname)) return;
  issues.addIssue({
    code: 'custom',
    path: ['url'],
    message: 'an https:// address; `insecure = true` beside it allows http:// and is shown in every status',
  });
}

const capture = z
  .strictObject({
    enabled: field.flag
      .default(true)
      .describe('Read the files of the agents on this machine. `--no-capture` sets it to false.'),
    exclude: field.globs
      .default([])
      .describe('Projects never read: paths (`~/private/**`) or repositories (`github.com/acme/payroll`).'),
  })
  .describe('What is read at all.');

const team = z
  .strictObject({
    url: field.url.describe('Address of the team server.'),
    token: field.secret.describe('Token of this device.'),
    salt: field.secret.optional().describe('Salt of the team, 64 hexadecimal digits.'),
    id: field.text.optional().describe('Id of the team at its server.'),
    projects: field.globs.default([]).describe('The only projects whose data may leave this machine.'),
    names: field.flag.default(true).describe('Send project names in clear; false sends their hashes only.'),
    insecure: field.flag.default(false).describe('Allow http:// to another machine.'),
  })
  .superRefine(refusePlainHttp)
  .describe('The team this machine has joined. Without it and without a destination nothing leaves.');

const serverDestination = z
  .strictObject({
    type: z.literal('server').describe('The kind of destination; this version delivers to servers of Syncline.'),
    name: field.destinationName.default('server').describe('How it is called in `status`.'),
    url: field.url.describe('Address of the server.'),
    token: field.secret.describe('Token of this device.'),
    team_id: field.text.describe('Id of the team at that server.'),
    salt: field.secret.describe('Salt of that team, 64 hexadecimal digits.'),
    projects: field.globs.default(['**']).describe('Projects whose data may go there.'),
    names: field.flag.default(false).describe('Send project names in clear.'),
    required: field.flag.default(true).describe('Keep everything until it has been delivered there.'),
    insecure: field.flag.default(false).describe('Allow http:// to another machine.'),
    max_batch_items: field.whole(1, 10_000).default(500).describe('Most items of one request.'),
    max_batch_bytes: field.whole(1_000, 64_000_000).default(1_000_000).describe('Most bytes of one uncompressed body.'),
  })
  .superRefine(refusePlainHttp);

/** Destinations of later versions: known by name, so that they are refused with the reason and not as a typing error. */
const laterDestination = <const Type extends string>(type: Type) =>
  z.looseObject({ type: z.literal(type), name: field.destinationName.default(type) });

const destination = z.discriminatedUnion(
  'type',
  [
    serverDestination,
    laterDestination('otlp'),
    laterDestination('datadog'),
    laterDestination('posthog'),
    laterDestination('file'),
  ],
  { error: '"server"' },
);

const telemetry = z
  .strictObject({
    content: field
      .oneOf(['none', 'redacted'])
      .default('none')
      .describe('"redacted" also sends prompts and tool output, with secrets removed.'),
    destination: z
      .array(destination, { error: 'a list of tables, each headed [[telemetry.destination]]' })
      .default([])
      .superRefine(refuseEqualNames)
      .describe('Where telemetry goes besides the local store and the team.'),
  })
  .describe('What agents did.');

function refuseEqualNames(
  list: readonly { name: string }[],
  issues: { addIssue(issue: { code: 'custom'; path: (string | number)[]; message: string }): void },
): void {
  list.forEach(({ name }, index) => {
    if (list.findIndex((other) => other.name === name) < index)
      issues.addIssue({
        code: 'custom',
        path: [index, 'name'],
        message: 'another name: two destinations have this one',
      });
  });
}

const storage = z
  .strictObject({
    max_bytes: field.bytes.prefault('5GiB').describe('Most that the data directory may hold.'),
    spool_max_bytes: field.bytes
      .prefault('64MiB')
      .describe('Most that waiting hook events may hold; beyond it they are dropped and counted.'),
  })
  .describe('How much room Syncline takes.');

const retention = z
  .strictObject({
    days: field.whole(0, 36_500).default(30).describe('How long delivered entries stay in the journal; 0 keeps them.'),
  })
  .describe('How long delivered data is kept. What waits for a required destination stays, whatever its age.');

const limits = z
  .strictObject({
    max_body_bytes: field.bytes.prefault('16MiB').describe('Most bytes of a request body, uncompressed.'),
    max_items: field.whole(1, 100_000).default(1_000).describe('Most items of one request.'),
    requests_per_minute: field.whole(1).default(1_200).describe('Requests of one token in a minute.'),
    items_per_day: field.whole(1).default(20_000_000).describe('Items of one token in a day.'),
  })
  .describe('What the server takes from one client.');

const server = z
  .strictObject({
    listen: field.listen.default('127.0.0.1:4777').describe('Address and port. `--listen` sets it.'),
    public_url: field.url.optional().describe('Address under which others reach the server. `--public-url` sets it.'),
    tls_cert: field.text
      .optional()
      .describe('File of the certificate chain, PEM, beside this file unless absolute. `--tls-cert` sets it.'),
    tls_key: field.text
      .optional()
      .describe('File of its private key, PEM, beside this file unless absolute. `--tls-key` sets it.'),
    database: field.secret
      .optional()
      .describe(
        'Address of a PostgreSQL that keeps the conversations; without it they are in a file beside the others.',
      ),
    behind_proxy: field.cidrs.default([]).describe('Addresses of the proxy that ends TLS in front of the server.'),
    limits: limits.prefault({}),
  })
  .superRefine((section, issues) => {
    const has_tls = section.tls_cert !== undefined && section.tls_key !== undefined;
    if (!has_tls && (section.tls_cert ?? section.tls_key) !== undefined) {
      const missing = section.tls_cert === undefined ? 'tls_cert' : 'tls_key';
      issues.addIssue({ code: 'custom', path: [missing], message: 'set: certificate and key belong together' });
    }
    const host = field.parseListen(section.listen)?.host ?? '';
    if (!has_tls && section.behind_proxy.length === 0 && !field.isLoopbackHost(host))
      issues.addIssue({
        code: 'custom',
        path: ['listen'],
        message: 'a loopback address, or come with tls_cert and tls_key, or with behind_proxy',
      });
  })
  .describe('The team server, `syncline server`.');

const http = z
  .strictObject({
    port: field.whole(1, 65_535).default(4777).describe('Port on 127.0.0.1. `--port` and `SYNCLINE_PORT` set it.'),
  })
  .describe('The local page and API of `syncline up`.');

/** A database of a team that conversations are written to directly, without a server in front. */
const sessionDatabase = z
  .strictObject({
    type: z.literal('postgres').describe('The kind of store.'),
    name: field.destinationName.default('postgres').describe('How it is called in `status`.'),
    url: field.secret.describe('Connection address, `postgres://…`; the schema `syncline_sessions` is made in it.'),
    team_id: field.text.default('default').describe('The team whose sessions these are in that database.'),
    member: field.text.describe('Who writes: the name that others see beside these sessions.'),
    projects: field.globs.default([]).describe('Projects whose conversations may go there; none unless named.'),
    names: field.flag.default(true).describe('Send project names in clear; false sends their hashes only.'),
  })
  .describe('A store of conversations besides the local one.');

const sessions = z
  .strictObject({
    keep: field.flag
      .default(true)
      .describe('Keep conversations in the local store, with secrets removed, where agents delete theirs.'),
    share: field
      .oneOf(['none', 'projects', 'all'])
      .default('none')
      .describe('Which projects: none, those listed, or all of `team.projects`.'),
    projects: field.globs.default([]).describe('The projects of `share = "projects"`.'),
    hold: field.duration_ms.prefault('15m').describe('How long a finished turn waits, so that it can be withdrawn.'),
    destination: z
      .array(sessionDatabase, { error: 'a list of tables, each headed [[sessions.destination]]' })
      .default([])
      .superRefine(refuseEqualNames)
      .describe('Stores of a team besides its server.'),
  })
  .describe('What agents said. It stays on this machine until `share` and `projects` say otherwise.');

/** A node of ai-memory. What is not named here does not leave to it and does not come in from it. */
const oldPeer = z
  .strictObject({
    name: field.destinationName.describe('How it is called in `status` and in commands.'),
    agent_id: field.agentId
      .optional()
      .describe('Its id on the wire (`x-peer-id`, `sender_agent_id`), such as `host:desktop`; without it, its name.'),
    url: field.url.optional().describe('Where it is reached; without it, it only speaks to this machine.'),
    send: field.namespacePatterns.default([]).describe('Namespaces whose memories may leave to it; none unless named.'),
    unscoped: field.flag
      .default(false)
      .describe('Send also memories that say no scope; otherwise they count as private. Private ones never leave.'),
    take: field.namespacePatterns.default([]).describe('Namespaces that it may write to; none unless named.'),
    senders: z
      .array(field.agentId, { error: 'a list of ids, like ["host:desktop"]' })
      .default([])
      .describe('Other ids that it may name as the sender.'),
    public_key: field.publicKey
      .optional()
      .describe('Its Ed25519 key, with which it signs; without it, the file of its id in `keys/ai-memory`.'),
    unsigned: field.flag
      .default(false)
      .describe('Take its requests without a signature: nodes before 0.7, or without a key, cannot sign.'),
    api_key: field.secret.optional().describe('What it wants as `X-API-Key`.'),
    ca: field.text.optional().describe("File of the authorities (PEM) to trust instead of the system's."),
    fingerprint: field.fingerprint
      .optional()
      .describe('SHA-256 of its certificate, which is then the only one that is spoken to.'),
    insecure: field.flag.default(false).describe('Allow http:// to another machine.'),
  })
  .superRefine((peer, issues) => {
    if (peer.url !== undefined) refusePlainHttp({ url: peer.url, insecure: peer.insecure }, issues);
    if (peer.unsigned && peer.public_key !== undefined)
      issues.addIssue({
        code: 'custom',
        path: ['unsigned'],
        message: 'false: a peer with a `public_key` signs, and one request without a signature would be anybody',
      });
  })
  .describe('A node of ai-memory.');

const compat = z
  .strictObject({
    agent_id: field.agentId
      .optional()
      .describe('Our id on the wire of ai-memory; without it, `syncline:` and the name of this machine.'),
    api_key: field.secret.optional().describe('What they must send as `X-API-Key`.'),
    tls_cert: field.text.optional().describe('File of the certificate chain of `compat_listen`, PEM.'),
    tls_key: field.text.optional().describe('File of its private key, PEM.'),
    mtls_allowlist: field.text
      .optional()
      .describe('File of the client certificates that may connect: one SHA-256 fingerprint a line.'),
    client_cert: field.text.optional().describe('File of our certificate, PEM, towards peers that pin it.'),
    client_key: field.text.optional().describe('File of its private key, PEM.'),
    pull_every: field.duration_ms
      .prefault('30s')
      .describe('How often a peer is asked for what it does not push: what its MCP server and command line write.'),
    peer: z
      .array(oldPeer, { error: 'a list of tables, each headed [[memory.compat.peer]]' })
      .default([])
      .superRefine(refuseEqualNames)
      .describe('The nodes of ai-memory that this machine exchanges memories with.'),
  })
  .superRefine((section, issues) => {
    for (const [a, b] of [
      ['tls_cert', 'tls_key'],
      ['client_cert', 'client_key'],
    ] as const) {
      if ((section[a] === undefined) === (section[b] === undefined)) continue;
      const missing = section[a] === undefined ? a : b;
      issues.addIssue({ code: 'custom', path: [missing], message: 'set: certificate and key belong together' });
    }
    if (section.mtls_allowlist !== undefined && section.tls_cert === undefined)
      issues.addIssue({ code: 'custom', path: ['tls_cert'], message: 'set: a list of client certificates needs TLS' });
    section.peer.forEach((peer, index) => {
      const id = peer.agent_id ?? peer.name;
      if (section.peer.findIndex((other) => (other.agent_id ?? other.name) === id) < index)
        issues.addIssue({
          code: 'custom',
          path: ['peer', index, 'agent_id'],
          message: 'another id: two peers have this one',
        });
    });
  })
  .describe('The dialect of ai-memory.');

const memory = z
  .strictObject({
    keep: field.flag.default(true).describe('Keep memories on this machine; false serves and stores none.'),
    name: field.text
      .optional()
      .describe('How others see this machine beside what was written on it; without it, its host name.'),
    write_quorum: field
      .whole(1, 99)
      .default(1)
      .describe('Machines that must have a write before it counts, this one included; a request may say otherwise.'),
    quorum_timeout: field.duration_ms.prefault('2s').describe('How long a write waits for them.'),
    unredacted: field.globs
      .default([])
      .describe('Namespaces whose memories are kept as they are written, secrets and all (`vault`, `vault/**`).'),
    archive_every: field.duration_ms.prefault('5m').describe('How often what has expired is archived.'),
    listen: field.listen.optional().describe('Where peers reach this machine.'),
    compat_listen: field.listen.optional().describe('Where nodes of ai-memory reach this machine.'),
    compat: compat.prefault({}),
    peer: z
      .array(
        z.strictObject({
          name: field.text.describe('Name of the machine.'),
          url: field.url.optional().describe('Where it is reached.'),
          dial: field.oneOf(['out', 'both']).default('both').describe('"out" for a machine that cannot be reached.'),
        }),
        { error: 'a list of tables, each headed [[memory.peer]]' },
      )
      .default([])
      .describe('The machines that share this memory.'),
  })
  .superRefine(({ compat_listen, compat: { peer, tls_cert, api_key, mtls_allowlist } }, issues) => {
    if (compat_listen === undefined) return;
    const refuse = (path: (string | number)[], message: string): void =>
      void issues.addIssue({ code: 'custom', path, message });
    if (peer.length === 0) refuse(['compat', 'peer'], 'set: without a peer nobody may speak at `compat_listen`');
    if (field.isLoopbackHost(field.parseListen(compat_listen)?.host ?? '')) return;
    if (tls_cert === undefined)
      refuse(['compat_listen'], 'a loopback address, or come with compat.tls_cert and tls_key');
    if (api_key !== undefined || mtls_allowlist !== undefined) return;
    peer.forEach(({ unsigned }, index) => {
      if (unsigned)
        refuse(
          ['compat', 'peer', index, 'unsigned'],
          'false, or come with compat.api_key or compat.mtls_allowlist: otherwise anybody could speak as this peer',
        );
    });
  })
  .describe('What agents know. It stays on this machine until it has peers.');

interface SalesforceSignIn {
  login: string;
  user?: string | undefined;
  key?: field.SecretReference | undefined;
  refresh_token?: string | undefined;
  client_secret?: field.SecretReference | undefined;
}

/** One way to sign in, and never in clear to another machine. */
function refuseUnclearSignIn(
  { login, key, user, refresh_token, client_secret }: SalesforceSignIn,
  issues: { addIssue(issue: { code: 'custom'; path: string[]; message: string }): void },
): void {
  const refuse = (name: string, message: string): void => issues.addIssue({ code: 'custom', path: [name], message });
  const { protocol, hostname } = new URL(login);
  if (protocol !== 'https:' && !field.isLoopbackHost(hostname)) refuse('login', 'an https:// address');
  if (key === undefined && refresh_token === undefined && client_secret === undefined)
    refuse('key', 'set, or `refresh_token`, or `client_secret`: without one of them nobody can sign in');
  if (key !== undefined && user === undefined) refuse('user', 'set: the key signs in as this user');
  if (key !== undefined && refresh_token !== undefined)
    refuse('refresh_token', 'left out: `key` is another way to sign in');
}

const records = z
  .strictObject({
    postgres: z
      .strictObject({ url: field.secret.describe('Connection address.') })
      .optional()
      .describe('The PostgreSQL side.'),
    schema: field.text.default('syncline').describe('PostgreSQL schema that holds what Syncline needs there.'),
    salesforce: z
      .strictObject({
        login: field.url.describe('Address of the sign-in.'),
        client_id: field.text.describe('Consumer key of the connected app.'),
        user: field.text.optional().describe('User name of the integration user; belongs to `key`.'),
        key: field.secret
          .optional()
          .describe('Private key whose certificate the connected app has, PEM: signs in as `user`.'),
        refresh_token: field.text
          .optional()
          .describe(
            'File that keeps the sign-in of a person, beside this file unless absolute; `records init` writes it.',
          ),
        client_secret: field.secret
          .optional()
          .describe("Consumer secret of the connected app. By itself it signs in as the app's own user."),
        calls_percent: field
          .whole(1, 100)
          .default(80)
          .describe("Share of the org's daily calls up to which Syncline makes any; what others used counts."),
        pubsub: field.text
          .default('api.pubsub.salesforce.com:7443')
          .describe('Host and port of the Pub/Sub API, for change events; "off": everything is polled.'),
        certificate_authority: field.text.optional().describe('File with one more authority, PEM; for a sandbox.'),
        client: field.text
          .default('syncline')
          .describe('Name that our writes bear in Salesforce: one for all workers of a database.'),
      })
      .superRefine(refuseUnclearSignIn)
      .optional()
      .describe('The Salesforce side.'),
    poll_every: field.duration_ms
      .prefault('1m')
      .describe('How often objects without change events are asked for changes.'),
    max_deletes: field.whole(0).default(100).describe('Deletes per object and hour; more stop and ask.'),
    max_changes_percent: field
      .whole(0, 100)
      .default(20)
      .describe('Share of an object changed per hour; more stops and asks.'),
    max_creates: field.whole(0).default(1_000).describe('Creates per object and hour; more stop and ask.'),
    object: z
      .array(
        z.strictObject({
          name: field.text.describe('Name of the object.'),
          mapping: field.text.describe('File of its mapping.'),
        }),
        { error: 'a list of tables, each headed [[records.object]]' },
      )
      .default([])
      .describe('The objects kept in step.'),
  })
  .describe('The business records that agents act on.');

export const configSchema = z
  .strictObject({
    capture: capture.prefault({}),
    team: team.optional(),
    telemetry: telemetry.prefault({}),
    storage: storage.prefault({}),
    retention: retention.prefault({}),
    http: http.prefault({}),
    server: server.prefault({}),
    sessions: sessions.prefault({}),
    memory: memory.prefault({}),
    records: records.optional(),
  })
  .superRefine((config, issues) => {
    config.sessions.destination.forEach(({ name }, place) => {
      if (name !== 'team' && name !== 'local') return;
      const message = `another name: "${name}" is taken`;
      issues.addIssue({ code: 'custom', path: ['sessions', 'destination', place, 'name'], message });
    });
    const others = [...config.telemetry.destination, ...config.sessions.destination, ...config.memory.peer];
    config.memory.compat.peer.forEach(({ name }, place) => {
      if (name !== 'team' && !others.some((other) => other.name === name)) return;
      const message = `another name: "${name}" is taken`;
      issues.addIssue({ code: 'custom', path: ['memory', 'compat', 'peer', place, 'name'], message });
    });
    const index = config.telemetry.destination.findIndex(({ name }) => name === 'team');
    if (config.team === undefined || index === -1) return;
    const message = 'another name: "team" is the destination of [team]';
    issues.addIssue({ code: 'custom', path: ['telemetry', 'destination', index, 'name'], message });
  });

/** The effective configuration: every default filled in, durations in ms, sizes in bytes, secrets as references. */
export type Config = z.output<typeof configSchema>;
export type TeamConfig = NonNullable<Config['team']>;
export type ServerConfig = Config['server'];
export type ServerDestinationConfig = z.output<typeof serverDestination>;

/** Types of `[[telemetry.destination]]` that deliver in this version. */
export const AVAILABLE_DESTINATIONS = ['server'] as const;
