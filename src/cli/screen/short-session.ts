const PREFIX = 'blake3:';
/** 48 bits: among a million sessions the chance that any two agree is one in 500, and then one writes more digits. */
const SHORT_LENGTH = 12;

/** `9f963e5bf89b` of `blake3:9f963e5bf89b…`, which finds the session again; other ids as they are. */
export function shortSession(id: string): string {
  return id.startsWith(PREFIX) ? id.slice(PREFIX.length, PREFIX.length + SHORT_LENGTH) : id;
}
