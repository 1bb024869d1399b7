import type { PreviewedRequest, PreviewedSession, SessionsPreview } from '../../runtime/session-verbs.ts';
import type { CommandContext } from '../context.ts';
import { formatBytes } from '../format/bytes.ts';
import { formatItems } from '../format/count.ts';
import { safe } from '../format/safe.ts';
import { formatRecent } from '../format/time.ts';
import { printBody } from './readable-body.ts';
import { shortKey } from './sessions/short-key.ts';

/** The store of this machine; no destination of the configuration may be called so. */
export const LOCAL = 'local';

const STAYS: Record<NonNullable<PreviewedSession['stays']>, string> = {
  share_none: 'sharing is switched off',
  unshared: 'you took it out (sessions unshare)',
  project: 'its project is not named',
  repository: "its repository's .syncline.toml keeps it at home",
  history: 'it began before you joined',
  unknown_project: 'its project is not known',
  excluded: 'it is excluded from being read',
  undecided: 'its folder is gone, so that its repository cannot be asked',
  erased: 'it was erased',
  there: 'the store has it as it is',
  unreadable: 'it cannot be read now',
};

/** The bodies to stdout, what frames them to stderr. Returns how many requests would leave this machine. */
export function sayConversations(context: CommandContext, { sessions, staying, is_cut }: SessionsPreview): number {
  for (const session of sessions) saySession(context, session);
  for (const { destination, reason, sessions: count } of staying)
    context.say(`· ${safe(destination)}  ${formatItems(count, 'conversation')} not sent: ${STAYS[reason]}`);
  if (is_cut) context.say('There is more; see --limit.');
  return sessions
    .filter(({ destination }) => destination !== LOCAL)
    .reduce((sum, { requests }) => sum + requests.length, 0);
}

function saySession(context: CommandContext, session: PreviewedSession): void {
  const { destination, key, project, requests, stays, problem, held_until_ms, removed, is_cut } = session;
  const name = [safe(destination), shortKey(key), ...(project ? [safe(project)] : [])].join('  ');
  for (const request of requests) {
    const where = destination === LOCAL ? 'stays on this machine' : `${request.method} ${request.path}`;
    context.say(`→ ${name}  ${where}  ${contentOf(request)}`);
    printBody(context, request.body);
  }
  const rules = Object.entries(removed).map(([rule, times]) => `${rule} ${times}`);
  if (rules.length > 0) context.say(`    removed in all of it: ${safe(rules.join(', '))}`);
  if (is_cut) context.say('    and more requests; see --limit');
  if (held_until_ms !== null) {
    const until = formatRecent(held_until_ms, context.now_ms());
    const what = requests.length > 0 ? 'what is younger' : 'all that is new of it';
    context.say(`· ${name}  on hold until ${until}: ${what}`);
  }
  if (stays !== null)
    context.say(`· ${name}  not sent: ${STAYS[stays]}${problem === null ? '' : ` (${safe(problem)})`}`);
}

function contentOf({ kind, messages, bytes }: PreviewedRequest): string {
  if (kind === 'remove') return 'takes it back';
  if (kind === 'gone') return 'says that its source has it no more';
  return `${formatItems(messages, 'message')}, ${formatBytes(bytes)}`;
}
