import type { SourcePause } from './source-book.ts';

/** Fewer missing sessions than this are believed whatever share they are: somebody who has ten may lose two. */
const FEWEST_VANISHED = 5;
/** More than this share missing at once is an unmounted disk, a moved home or another user, not a clean-up (R12). */
const LARGEST_SHARE = 0.1;

/** Whether a round may mark these sessions as gone, or must pause its source instead. `known` includes the vanished. */
export function isBelievable(vanished: number, known: number): boolean {
  return vanished < FEWEST_VANISHED || vanished <= known * LARGEST_SHARE;
}

/** What `status` says of a paused source. */
export function pauseReason(label: string, pause: SourcePause): string {
  return (
    `${pause.vanished} of ${pause.known} sessions that ${label} had are not there any more; nothing was changed. ` +
    'Is a disk not mounted, or a folder moved? They are taken up again when they are back.'
  );
}
