/** What a token may do (R6). */
export const SCOPES = ['ingest', 'read', 'operate', 'admin', 'peer'] as const;
export type Scope = (typeof SCOPES)[number];

/** Who makes a request, as its token or cookie says. */
export interface Caller {
  /** Of the token, or a name of ours for what is not in the token table; also the key of its quota. */
  token_id: string;
  team_id: string;
  member: string;
  device: string;
  scopes: ReadonlySet<Scope>;
}

/** Whether one of the scopes is held; an admin may do what operators and readers may, but sends no data. */
export function mayDo(caller: Caller, scopes: readonly Scope[]): boolean {
  if (scopes.some((scope) => caller.scopes.has(scope))) return true;
  if (caller.scopes.has('admin')) return scopes.includes('operate') || scopes.includes('read');
  return caller.scopes.has('operate') && scopes.includes('read');
}
