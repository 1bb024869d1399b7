import { FENCES_A_CLAIM } from '../fences.ts';

/** That a task `t` is claimed, by the claim `c`. */
export const IS_OF_CLAIM = `t.destination_id = c.destination_id AND t.key = k.key AND t.is_claimed
  AND t.fence > c.first_fence AND t.fence < c.first_fence + ${FENCES_A_CLAIM}`;

/** For FROM: the claimed tasks `t` of a destination, found by the claims, without reading those that wait. */
export const claimedTasks = (destination: string): string => `syncline.claim c
  CROSS JOIN LATERAL unnest(c.keys) AS k (key)
  JOIN syncline.task t ON ${IS_OF_CLAIM} AND c.destination_id = ${destination}`;
