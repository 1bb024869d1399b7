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
    compat_listen: field.listen.optional().describe('Where clients of ai-memory reach this machine.'),
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
  .describe('What agents know. It stays on this machine until it has peers.');

const records = z
  .strictObject({
    postgres: z
      .strictObject({ url: field.secret.describe('Connection address.') })
      .optional()
      .describe('The PostgreSQL side.'),
    salesforce: z
      .strictObject({
        login: field.url.describe('Address of the sign-in.'),
        client_id: field.text.describe('Consumer key of the connected app.'),
        user: field.text.describe('User name of the integration user.'),
        key: field.secret.describe('Private key of the connected app.'),
      })
      .optional()
      .describe('The Salesforce side.'),
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

/** Sections that parse but that nothing in this version acts upon; loading says so. */
export const INACTIVE_SECTIONS = ['records'] as const;

/** Types of `[[telemetry.destination]]` that deliver in this version. */
export const AVAILABLE_DESTINATIONS = ['server'] as const;
