/** Enough of an id to name a memory by, as people copy it: the time that a UUIDv7 begins with, and some chance. */
const SHORT_CHARS = 18;

export function shortId(id: string): string {
  return id.slice(0, SHORT_CHARS);
}
