import { html, type Html } from '../html.ts';

const FENCE = /^ {0,3}(`{3,}|~{3,})/;

/**
 * What was said, as it was written; blocks between fences are set as code, without their fences. A fence is closed by
 * one of at least its length, or by the end.
 */
export function saidHtml(text: string): Html[] {
  const parts: Html[] = [];
  let lines: string[] = [];
  let open: string | null = null;
  const flush = (): void => {
    const written = open === null ? lines.join('\n').replace(/^\n+|\s+$/g, '') : lines.join('\n');
    if (written !== '') parts.push(open === null ? html`<p>${written}</p>` : html`<pre>${written}</pre>`);
    lines = [];
  };
  for (const line of text.split('\n')) {
    const [, fence]: string[] = FENCE.exec(line) ?? [];
    const closes: boolean = open !== null && fence?.startsWith(open) === true && line.trim() === fence;
    if (closes || (open === null && fence !== undefined)) {
      flush();
      open = closes ? null : (fence ?? null);
    } else lines.push(line);
  }
  flush();
  return parts;
}
