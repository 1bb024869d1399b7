import type { FlagValue } from '../../config/load.ts';
import type { ExitCode } from '../../platform/errors.ts';
import type { Operator } from '../../runtime/operator.ts';
import type { CommandContext } from '../context.ts';
import type { Invocation } from '../invocation.ts';

/** `server`: the team's server. What an open address needs (R7) is checked with the configuration. */
export async function server(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const { env, signal } = context.host;
  const paths = context.paths();
  const loaded = await context.config(serverFlags(invocation));
  let shown: Promise<void> = Promise.resolve();
  const exit = await context.host.runtime.runDaemon({
    paths,
    loaded,
    env,
    role: 'server',
    only: null,
    signal,
    on_ready: (operator) => {
      shown = announce(context, operator);
    },
  });
  await shown;
  return context.exitUnlessInterrupted(exit);
}

function serverFlags(invocation: Invocation): FlagValue[] {
  const flags: FlagValue[] = [];
  const add = (key: string, flag: string, value: string | readonly string[] | null): void => {
    if (value !== null) flags.push({ key, flag, value });
  };
  add('server.listen', '--listen', invocation.text('listen'));
  add('server.public_url', '--public-url', invocation.text('publicUrl'));
  add('server.tls_cert', '--tls-cert', invocation.text('tlsCert'));
  add('server.tls_key', '--tls-key', invocation.text('tlsKey'));
  const proxies = invocation.list('behindProxy');
  add('server.behind_proxy', '--behind-proxy', proxies.length > 0 ? proxies : null);
  return flags;
}

async function announce(context: CommandContext, operator: Operator): Promise<void> {
  const { url, version, pid, home } = await operator.status();
  if (context.options.json) return context.printJson('syncline.server/1', { url, pid, home, version });
  context.say(
    `Syncline ${version} serves at ${url ?? 'an unknown address'}, process ${pid ?? 'unknown'}.`,
    'A token for a machine: syncline token create --member NAME --device NAME',
  );
}
