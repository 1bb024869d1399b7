/** Colour where the reader wants it, and never as the only sign of anything. */

export type ColorMode = 'auto' | 'never' | 'always';

export interface Palette {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
}

const paint =
  (open: number, close: number) =>
  (text: string): string =>
    `\u001b[${open}m${text}\u001b[${close}m`;

const COLORED: Palette = {
  bold: paint(1, 22),
  dim: paint(2, 22),
  red: paint(31, 39),
  green: paint(32, 39),
  yellow: paint(33, 39),
};

const same = (text: string): string => text;
export const PLAIN: Palette = { bold: same, dim: same, red: same, green: same, yellow: same };

/** `--color` decides; in `auto`, NO_COLOR and a dumb terminal turn it off, FORCE_COLOR on, else the terminal decides. */
export function paletteFor(
  mode: ColorMode,
  is_tty: boolean,
  env: Readonly<Record<string, string | undefined>>,
): Palette {
  if (mode !== 'auto') return mode === 'always' ? COLORED : PLAIN;
  if (env['NO_COLOR']) return PLAIN;
  if (env['FORCE_COLOR'] && env['FORCE_COLOR'] !== '0') return COLORED;
  return is_tty && env['TERM'] !== 'dumb' ? COLORED : PLAIN;
}

/** Columns that a text takes, without colour codes. Wide characters count as two. */
export function visibleWidth(text: string): number {
  let width = 0;

  for (const character of text.replace(/\u001b\[\d+m/g, '')) width += isWide(character) ? 2 : 1;
  return width;
}

/** East Asian wide and full-width blocks and emoji (Unicode TR11, by block; good enough to keep a table straight). */
function isWide(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  );
}

/** Cuts to at most `width` columns, with `…` for what is gone. Plain text only. */
export function cut(text: string, width: number): string {
  if (visibleWidth(text) <= width) return text;
  let kept = '';
  for (const character of text) {
    if (visibleWidth(kept + character) > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Fills up to `width` columns on the right (`left` aligned) or the left. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const gap = ' '.repeat(Math.max(0, width - visibleWidth(text)));
  return align === 'left' ? text + gap : gap + text;
}
