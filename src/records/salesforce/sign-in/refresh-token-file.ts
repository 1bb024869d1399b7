import { readFile, stat } from 'node:fs/promises';
import { ForbiddenError } from '../../../platform/errors.ts';
import { writeDurably } from '../../../platform/write-file.ts';
import type { RefreshTokenStore } from './stored.ts';

/**
 * A refresh token in a file of mode 0600. A rotated one is on the disk before it is used: the org has forgotten its
 * predecessor by then.
 * @throws ForbiddenError `salesforce.token_file` when others can read the file
 */
export function refreshTokenFile(path: string): RefreshTokenStore {
  return {
    read: async () => {
      try {
        if (((await stat(path)).mode & 0o077) !== 0)
          throw new ForbiddenError('salesforce.token_file', 'Others can read the file with the sign-in to Salesforce', {
            hint: `chmod 600 ${path}`,
          });
        return (await readFile(path, 'utf8')).trim() || null;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },
    write: async (refresh_token) => writeDurably(path, `${refresh_token}\n`),
  };
}
