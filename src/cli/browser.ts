import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { SynclinePaths } from '../config/paths.ts';

/**
 * Shows `url` in the user's browser; false when there is none to show it in. The link holds a key, and the arguments of
 * a process can be read by every user of the machine (R8), so the browser gets a private file that leads on to it.
 */
export async function openInBrowser(url: string, paths: SynclinePaths): Promise<boolean> {
  const opener = openerOf(process.platform, process.env);
  if (opener === null) return false;
  mkdirSync(paths.home, { recursive: true, mode: 0o700 });
  const file = join(paths.home, 'open.html');
  const target = url.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  writeFileSync(file, `<!doctype html><meta http-equiv="refresh" content="0;url=${target}"><title>Syncline</title>\n`, {
    mode: 0o600,
  });
  return new Promise((resolve) => {
    const child = spawn(opener, [pathToFileURL(file).href], { stdio: 'ignore', detached: true });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}

function openerOf(platform: NodeJS.Platform, env: NodeJS.ProcessEnv): string | null {
  if (platform === 'darwin') return 'open';
  // Without a display xdg-open may start a text browser in this very terminal.
  return env['DISPLAY'] || env['WAYLAND_DISPLAY'] ? 'xdg-open' : null;
}
