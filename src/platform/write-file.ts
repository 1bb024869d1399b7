import * as node_fs from 'node:fs';
import { dirname } from 'node:path';

/** What writing a file needs of the file system; a test hands in one that remembers the order. */
export type FileWrites = Pick<typeof node_fs, 'openSync' | 'writeFileSync' | 'fsyncSync' | 'closeSync' | 'renameSync'>;

/** Writes a file so that a reader sees the old or the new content, never a part; 0600. */
export function writeAtomically(file: string, content: string): void {
  const draft = `${file}.new`;
  node_fs.writeFileSync(draft, content, { mode: 0o600 });
  node_fs.renameSync(draft, file);
}

/**
 * As `writeAtomically`, and on the disk when it returns: a power loss leaves the old content or the new, also of a file
 * that is written once and never again.
 */
export function writeDurably(file: string, content: string, fs: FileWrites = node_fs): void {
  const draft = `${file}.new`;
  const descriptor = fs.openSync(draft, 'w', 0o600);
  try {
    fs.writeFileSync(descriptor, content);
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
  fs.renameSync(draft, file);
  syncFolder(dirname(file), fs);
}

/** The names in a folder are its own content: without this a new file may be gone though its bytes are safe. */
export function syncFolder(folder: string, fs: FileWrites = node_fs): void {
  const descriptor = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}
