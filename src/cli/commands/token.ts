/** `token create|list|revoke` */
import { EXIT, type ExitCode } from '../../platform/errors.ts';
import type { TokenRow } from '../../runtime/operator.ts';
import type { CommandContext } from '../context.ts';
import { renderTable, type Column } from '../format/table.ts';
import { formatDayTime, formatRecent } from '../format/time.ts';
import type { Invocation } from '../invocation.ts';
import { confirmed } from '../prompts.ts';

/** The text of the token alone on stdout, so that `> team.token` makes a token file. It is shown once. */
export async function create(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const scopes = invocation.list('scope');
  const query = {
    team_id: invocation.text('team'),
    member: invocation.text('member') ?? '',
    device: invocation.text('device') ?? '',
    scopes: scopes.length > 0 ? [...scopes] : ['ingest'],
  };
  const made = await context.withOperator((operator) => operator.createToken(query));
  if (context.options.json) context.printJson('syncline.token/1', made);
  else context.print(made.token);
  context.say(
    `Token ${made.token_id} of ${made.member}, ${made.device} (${made.scopes.join(', ')}), team ${made.team_id}.`,
    'It is not shown again; only its hash is kept.',
  );
  return EXIT.ok;
}

export async function list(context: CommandContext): Promise<ExitCode> {
  const tokens = await context.withOperator((operator) => operator.tokens());
  if (context.options.json) context.printJson('syncline.tokens/1', { tokens });
  else if (tokens.length === 0)
    context.say('There are no tokens. Make one: syncline token create --member NAME --device NAME');
  else context.print(...renderTable(columns(context.now_ms()), tokens, context.width(), context.palette));
  return EXIT.ok;
}

function columns(now_ms: number): Column<TokenRow>[] {
  return [
    { title: 'id', text: ({ token_id }) => token_id },
    { title: 'team', text: ({ team_id }) => team_id, shrink_to: 8 },
    { title: 'member', text: ({ member }) => member, shrink_to: 8 },
    { title: 'device', text: ({ device }) => device, shrink_to: 8 },
    { title: 'scopes', text: ({ scopes }) => scopes.join(','), shrink_to: 8 },
    {
      title: 'last used',
      text: ({ last_used_ms }) => (last_used_ms === null ? 'never' : formatRecent(last_used_ms, now_ms)),
    },
    {
      title: 'state',
      text: ({ revoked_ms }) => (revoked_ms === null ? 'valid' : `revoked ${formatDayTime(revoked_ms)}`),
    },
  ];
}

export async function revoke(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const id = invocation.argument(0) ?? '';
  if (!(await confirmed(context, `Revoke the token ${id}? The machine that uses it can send nothing more.`))) {
    context.say('Nothing was revoked.');
    return EXIT.no;
  }
  const revoked = await context.withOperator((operator) => operator.revokeToken(id));
  if (context.options.json) context.printJson('syncline.token-revoke/1', revoked);
  context.say(`Revoked ${revoked.token_id} of ${revoked.member}, ${revoked.device}.`);
  return EXIT.ok;
}
