/** Rows with a label in front, as the first screen and `status` have them. */
import { pad, visibleWidth, type Palette } from '../format/color.ts';

const LABEL_WIDTH = 8;

/**
 * The label stands before the first line. A line too wide for the terminal goes on below, broken only where three or
 * more spaces separate its parts; a part is never cut, since it may be a path, a command or a key.
 */
export function labelled(
  label: string,
  texts: readonly string[],
  width: number,
  palette: Palette,
  indent = '',
): string[] {
  const room = width - indent.length - LABEL_WIDTH - 2;
  return texts
    .flatMap((text) => breakAtGaps(text, room))
    .map((line, index) => `${indent}${palette.dim(pad(index === 0 ? label : '', LABEL_WIDTH))}  ${line}`.trimEnd());
}

/** Lines of at most `room` columns where the gaps allow it; what follows a break is indented by two. */
export function breakAtGaps(text: string, room: number): string[] {
  const parts = text.split(/( {3,})/);
  const lines: string[] = [];
  let line = parts[0] ?? '';
  for (let index = 1; index < parts.length; index += 2) {
    const gap = parts[index] ?? '';
    const part = parts[index + 1] ?? '';
    if (visibleWidth(line + gap + part) <= room) line += gap + part;
    else {
      lines.push(line);
      line = `  ${part}`;
    }
  }
  return [...lines, line];
}
