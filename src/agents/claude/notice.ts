const OUTPUT_TAGS = /<\/?(?:local-command|bash)-(?:stdout|stderr)>/g;
const OUTPUT = /^<(?:local-command|bash)-(?:stdout|stderr)>/;
const TASK = /^<task-notification>([\s\S]*?)(?:<\/task-notification>|$)/;

/**
 * What the agent's program says in a user line that nobody typed and that belongs to the conversation all the same: the
 * output of a local command, a background task's end, a hook's answer (§2.5). Null for what is only put before the model.
 */
export function noticeText(raw: string): string | null {
  const text = raw.trimStart();
  const said = OUTPUT.test(text) ? text.replace(OUTPUT_TAGS, '') : (taskNotice(text) ?? hookFeedback(text));
  const trimmed = said?.trim() ?? '';
  return trimmed === '' ? null : trimmed;
}

function taskNotice(text: string): string | null {
  const inside = TASK.exec(text)?.[1];
  if (inside === undefined) return null;
  return /<summary>([\s\S]*?)<\/summary>/.exec(inside)?.[1] ?? inside;
}

function hookFeedback(text: string): string | null {
  return text.startsWith('Stop hook feedback:') ? text : null;
}
