import { hostname } from 'node:os';

const MAX_NAME_CHARS = 64;

/** How others see this machine: as its owner calls it, else its host name without the domain. */
export function deviceName(configured: string | undefined): string {
  const [host = ''] = hostname().split('.');
  return (configured ?? host).trim().slice(0, MAX_NAME_CHARS) || 'unnamed';
}
