import { html, type Html, type Part } from './html.ts';
import type { ConsolePage } from './page.ts';
import { STYLE_HREF } from './style.ts';

export interface Document {
  title: string;
  sample: boolean;
  status?: number;
  /** The page has a form that leads to a page of ours. */
  form?: boolean;
  /** Where in the console it stands: marked among the pages of the header. */
  place?: 'overview' | 'conversations' | 'memories';
  /** Stands on the right of the header. */
  aside?: Part;
  body: Part;
}

/** No script at all, no style but our own file, nothing from elsewhere, nowhere to send anything. */
function securityPolicy(form: boolean): string {
  return `default-src 'none'; style-src 'self'; img-src data:; form-action ${form ? "'self'" : "'none'"}; frame-ancestors 'none'; base-uri 'none'`;
}

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M2 5h9l-3-3M14 11H5l3 3' fill='none' stroke='%230b6e69' stroke-width='2'/%3E%3C/svg%3E";

/** A whole page: head, header, skip link, main part, footer. */
export function documentPage({ title, sample, status = 200, form = false, place, aside, body }: Document): ConsolePage {
  const page_title = `${sample ? 'SAMPLE DATA · ' : ''}${title} · Syncline`;
  const document = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${page_title}</title>
        <link rel="icon" href="${ICON}" />
        <link rel="stylesheet" href="${STYLE_HREF}" />
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header class="top">
          <a class="brand" href="/">${LOGO}Syncline</a>
          <nav class="places" aria-label="Pages">
            <a href="/" ${place === 'overview' && CURRENT}>Overview</a>
            <a href="/conversations" ${place === 'conversations' && CURRENT}>Conversations</a>
            <a href="/memories" ${place === 'memories' && CURRENT}>Memories</a>
          </nav>
          ${aside}
        </header>
        ${sample && SAMPLE_BANNER}
        <main id="main" tabindex="-1">${body}</main>
        <footer>
          <p>
            The same in a terminal: <code>syncline telemetry report</code>, <code>syncline sessions list</code>,
            <code>syncline memory list</code>. What waits and what failed: <code>syncline status</code>.
          </p>
        </footer>
      </body>
    </html>`;
  return {
    status,
    content_type: 'text/html; charset=utf-8',
    body: document.toString().trim(),
    headers: { 'content-security-policy': securityPolicy(form) },
  };
}

const CURRENT: Html = html`aria-current="true"`;

const LOGO: Html = html`<svg class="logo" aria-hidden="true" viewBox="0 0 16 16">
  <path d="M2 5h9l-3-3M14 11H5l3 3" />
</svg>`;

const SAMPLE_BANNER: Html = html`<section class="sample" aria-label="Sample data">
  <p>
    <strong>SAMPLE DATA</strong> None of these figures are yours: no agent has left a session on this machine. The
    sample is delivered nowhere and goes away when Syncline stops.
  </p>
</section>`;
