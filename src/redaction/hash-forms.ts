import { InvalidInputError } from '../platform/errors.ts';

/**
 * The wire's hashes (telemetry specification §3.1): plain BLAKE3-256 over `salt ‖ material`, not the keyed mode, because
 * existing servers compare these strings. One instance serves a process; it is not re-entrant and needs no `await`.
 */
export interface Hashing {
  /** Lower-case hex of BLAKE3-256 over `material` alone (strings as UTF-8). For stable ids, never for secrets. */
  digestHex(material: string | Uint8Array): string;
  /** `blake3:` + 64 hex digits of BLAKE3(salt ‖ material). Session, span and snapshot ids go in without a prefix. */
  hashWithSalt(salt: Uint8Array, material: string | Uint8Array): string;
  /** The first 52 bits of BLAKE3(material): a safe integer, for `event_seq`. Not salted: the same on every machine. */
  hash52(material: string | Uint8Array): number;
  /** Hash of a workspace identity or absolute path, exactly as passed. */
  workspaceHash(salt: Uint8Array, workspace: string): string;
  /** Hash of a file path as the agent wrote it. */
  pathHash(salt: Uint8Array, path: string): string;
  commitHash(salt: Uint8Array, sha: string): string;
  /** Hash of a node id of the code graph. */
  graphHash(salt: Uint8Array, node: string): string;
  /** Hash of a skill's name. */
  slugHash(salt: Uint8Array, skill: string): string;
  ruleHash(salt: Uint8Array, rule: string): string;
}

export const SALT_BYTES = 32;

/**
 * Makes the wire's hashes out of a BLAKE3: `digest` returns the hex digits of BLAKE3 over the material, or, with a salt, over
 * both one after the other, `blake3:` before them.
 */
export function hashingOver(digest: (salt: Uint8Array | null, material: string | Uint8Array) => string): Hashing {
  const digestHex = (material: string | Uint8Array): string => digest(null, material);
  const hashWithSalt = (salt: Uint8Array, material: string | Uint8Array): string => {
    if (salt.length !== SALT_BYTES) {
      throw new InvalidInputError('salt-length', `A salt has ${SALT_BYTES} bytes, this one ${salt.length}.`);
    }
    return digest(salt, material);
  };
  // The prefixes separate domains: a path and a skill of one name must not have one hash.
  const prefixed = (prefix: string) => (salt: Uint8Array, material: string) => hashWithSalt(salt, prefix + material);
  return {
    digestHex,
    hashWithSalt,
    hash52: (material) => Number.parseInt(digestHex(material).slice(0, 13), 16),
    workspaceHash: prefixed(''),
    pathHash: prefixed('path:'),
    commitHash: prefixed('commit:'),
    graphHash: prefixed('graph:'),
    slugHash: prefixed('slug:'),
    ruleHash: prefixed('rule:'),
  };
}

/** Reads a salt as it stands in `keys/salt` or `team_salt_hex`: 64 hex digits, blanks around them allowed; else null. */
export function parseSalt(text: string): Uint8Array | null {
  const hex = text.trim();
  return /^[0-9a-fA-F]{64}$/.test(hex) ? Uint8Array.from(Buffer.from(hex, 'hex')) : null;
}
