/** 48 bits of a session's key: enough digits to find it again among millions. */
export function shortKey(key: string): string {
  return key.slice(0, 12);
}
