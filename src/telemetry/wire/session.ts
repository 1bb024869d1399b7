import { z } from 'zod';
import { optionalSafeUnsigned, optionalText, safeUnsigned, text } from './scalars.ts';

/** The session of telemetry specification §6.2, and our optional additions. */
export const wireSession = z.object({
  session_id_hash: text,
  agent: text,
  model: optionalText,
  started_at_ms: safeUnsigned,
  /** Null while the session is open. */
  ended_at_ms: optionalSafeUnsigned,
  status: text,
  parent_session_id_hash: optionalText,
  agent_version: optionalText,
  /** Time of the last line seen; orders two accounts of one session. */
  last_at_ms: optionalSafeUnsigned,
  title: optionalText,
  branch: optionalText,
});

/** One session as it stands in the body of `POST /v1/sessions`. */
export type WireSession = z.infer<typeof wireSession>;
