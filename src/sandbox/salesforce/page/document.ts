/** The frame of the sandbox's own pages: no script, one style, nothing from elsewhere. */
import { html, raw } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import { createHash } from 'node:crypto';
import type { ApiReply } from '../http/exchange.ts';
import { STYLE } from './style.ts';

/** The style is in the page and named by its hash, so that nothing that a record holds can add another. */
const STYLE_HASH = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;

const HEADERS = {
  'content-security-policy': `default-src 'none'; style-src ${STYLE_HASH}; form-action *; frame-ancestors 'none'; base-uri 'none'`,
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
};

/** A whole page around a body that `html` made. */
export function documentOf(title: string, body: unknown): string {
  // Attributes and texts are escaped by the template; the style is ours.
  const document = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · Salesforce sandbox</title>
        ${raw(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header><a href="/">Salesforce sandbox</a><span>a simulator on this machine, by Syncline</span></header>
        <main id="main">${body}</main>
      </body>
    </html>`;
  return (document as HtmlEscapedString).toString();
}

export function htmlReply(document: string, status = 200): ApiReply {
  return { status, headers: HEADERS, content: { type: 'text/html; charset=utf-8', data: document } };
}
