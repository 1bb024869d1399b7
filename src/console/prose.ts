import { html, type Part } from './html.ts';

/** A sentence from elsewhere in the program: what it puts between backticks is a command or a name. */
export function prose(text: string): Part {
  return text.split('`').map((piece, index, pieces) => {
    const closed = index % 2 === 1 && index < pieces.length - 1;
    if (closed) return html`<code>${piece}</code>`;
    return index % 2 === 1 ? `\`${piece}` : piece;
  });
}

/** A message of another system as a sentence of this page. */
export function sentence(text: string): Part {
  return prose(/[.!?]$/.test(text) ? text : `${text}.`);
}
