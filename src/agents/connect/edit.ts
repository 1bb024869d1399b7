/** A change of a text: at `offset`, `remove` characters go and `insert` comes. */
export interface Edit {
  offset: number;
  remove: number;
  insert: string;
}

/** The text with the edit in it. */
export function applyEdit(text: string, { offset, remove, insert }: Edit): string {
  return text.slice(0, offset) + insert + text.slice(offset + remove);
}

/** `\r\n` where the text has it, else `\n`. */
export function lineEndOf(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}
