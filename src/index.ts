/**
 * What other programs may build on. The wire's hashes, so that a row of Syncline's can be joined with one's own
 * (telemetry specification §3.1), and the error hierarchy.
 */
import { loadHashing } from './redaction/hashing.ts';

const hashing = await loadHashing();

/** `blake3:` + 64 hex digits of BLAKE3(salt ‖ material). The salt has 32 bytes. @throws InvalidInputError `salt-length` */
export function hashWithSalt(salt: Uint8Array, material: string | Uint8Array): string {
  return hashing.hashWithSalt(salt, material);
}

/** `hashWithSalt` of a workspace identity or absolute path, exactly as passed. */
export function workspaceHash(salt: Uint8Array, workspace: string): string {
  return hashing.workspaceHash(salt, workspace);
}

export { SynclineError } from './platform/errors.ts';
