/**
 * Text from files, agents or servers on its way to a terminal. Control characters could move the cursor, rename the
 * window or hide a line, so they are shown as `�`; line breaks and tabs become spaces.
 */
export function safe(text: string): string {
  return text
    .replace(/[\t\r\n]+/g, ' ')
    .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}
