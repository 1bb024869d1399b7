/** `sandbox salesforce`: an organisation of this machine alone, with the interfaces that Salesforce has. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT, UsageError, type ExitCode } from '../../platform/errors.ts';
import { seededRandom } from '../../platform/random.ts';
import { SANDBOX_APP } from '../../sandbox/salesforce/oauth/connected-app.ts';
import { startPubSub } from '../../sandbox/salesforce/pubsub/server.ts';
import { addSampleRecords } from '../../sandbox/salesforce/sample-records.ts';
import { makeSelfSigned } from '../../sandbox/salesforce/self-signed.ts';
import { startSalesforceSandbox } from '../../sandbox/salesforce/start-sandbox.ts';
import type { CommandContext } from '../context.ts';
import type { Invocation } from '../invocation.ts';

const PORT = 4780;
const PUBSUB_PORT = 4781;
const SEED = 1;
const USER = 'admin@sandbox.example';

interface Running {
  url: string;
  pubsub_port: number;
  /** PEM file that clients have to trust. */
  certificate: string;
  org_id: string;
}

/** Runs until Ctrl-C; nothing of it stays. */
export async function sandboxSalesforce(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const port = wholeNumber(invocation, 'port', PORT);
  const pubsub_port = wholeNumber(invocation, 'pubsub-port', PUBSUB_PORT);
  const seed = wholeNumber(invocation, 'seed', SEED);
  const tls = await makeSelfSigned();
  const folder = mkdtempSync(join(tmpdir(), 'syncline-sandbox-'));
  const certificate = join(folder, 'certificate.pem');
  writeFileSync(certificate, tls.cert);
  const { timers, signal } = context.host;
  await using ending = new AsyncDisposableStack();
  ending.defer(() => rmSync(folder, { recursive: true, force: true }));
  const sandbox = await startSalesforceSandbox({
    port,
    random: seededRandom(seed),
    timers,
    approval: 'ask',
    ...(invocation.flag('http') ? {} : { tls }),
  });
  ending.defer(() => sandbox.close());
  addSampleRecords(sandbox.org);
  const { org, sessions, url } = sandbox;
  const acceptsToken = (token: string): boolean => sessions.find(token) !== null;
  const pubsub = await startPubSub(org, { port: pubsub_port, tls, acceptsToken, timers, random: seededRandom(seed) });
  ending.defer(() => pubsub.close());
  announce(context, { url, pubsub_port: pubsub.port, certificate, org_id: org.org_id });
  while (!signal.aborted) await timers.sleep(3_600_000, signal);
  return context.exitUnlessInterrupted(EXIT.ok);
}

function announce(context: CommandContext, running: Running): void {
  const { client_id, client_secret } = SANDBOX_APP;
  if (context.options.json) {
    context.printJson('syncline.sandbox.salesforce/1', { ...running, client_id, client_secret, user: USER });
    return;
  }
  const { url, pubsub_port, certificate } = running;
  const curl = url.startsWith('https') ? `curl --cacert ${certificate}` : 'curl';
  const write = '{"writes":[{"verb":"create","object":"Account","values":{"Name":"Acme","External_Id__c":"A-9"}}]}';
  context.print(`REST and Bulk  ${url}`, `Pub/Sub        127.0.0.1:${pubsub_port}`, `Certificate    ${certificate}`);
  context.say(
    '',
    `Sign in     client id ${client_id}, client secret ${client_secret}, user ${USER}, password sandbox`,
    `            ${curl} -d grant_type=client_credentials -d client_id=${client_id} -d client_secret=${client_secret} ${url}/services/oauth2/token`,
    `Edit        ${url}/ in a browser, or`,
    `            ${curl} -H 'Content-Type: application/json' -d '${write}' ${url}/__sim/transaction`,
    'Trust       NODE_EXTRA_CA_CERTS, or the certificate option of the program, names the file above',
    'Nothing of it stays. Ctrl-C ends it.',
  );
}

/** @throws UsageError `usage.port`, `usage.pubsub-port`, `usage.seed` */
function wholeNumber(invocation: Invocation, name: string, otherwise: number): number {
  const written = invocation.text(name === 'pubsub-port' ? 'pubsubPort' : name);
  const value = Number(written ?? otherwise);
  if (Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff) return value;
  throw new UsageError(`usage.${name}`, `--${name} is a whole number.`, { field: `--${name}` });
}
