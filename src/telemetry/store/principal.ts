/** Who sent a body. Comes from the token, never from the body (R6). */
export interface Principal {
  team_id: string;
  member: string;
  device: string;
}

/** Identifies one batch over its repeats. */
export interface BatchKey {
  key: string;
  /** SHA-256 of the decoded body. */
  body_sha256: Uint8Array;
}
