import { z } from 'zod';
import { ForbiddenError, InvalidInputError } from '../../../platform/errors.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Timers } from '../../../platform/timers.ts';
import { checkAddress } from '../http.ts';
import { SignInRefused, type Token, type TokenEndpoint, oauthErrorOf, postForm, readToken } from './token.ts';

const TOKEN_PATH = '/services/oauth2/token';
/** RFC 8628 §3.5: by how much to slow down when asked to. */
const SLOWER_MS = 5_000;
/** How long a code is good for at most. */
const LIFE_MS = 600_000;

const codes = z.object({
  device_code: z.string().min(1),
  user_code: z.string().regex(/^[A-Za-z0-9-]{4,32}$/),
  verification_uri: z.url(),
  interval: z.coerce.number().min(1).max(60).catch(5),
});

export interface DeviceSignInOptions extends TokenEndpoint {
  readonly client_id: string;
  readonly timers: Timers;
  readonly clock: Clock;
  /** Tells the person where to go and what to enter there. */
  show(page: { address: string; code: string }): Promise<void>;
}

/**
 * Sign-in of a person without a browser on this machine (device flow).
 * @throws SignInRefused · ForbiddenError `salesforce.device` when nobody entered the code in time · what `requestToken` throws
 */
export async function deviceSignIn(options: DeviceSignInOptions, signal: AbortSignal): Promise<Token> {
  const { client_id, clock, timers } = options;
  const begun = await postForm(
    options,
    TOKEN_PATH,
    { response_type: 'device_code', client_id, scope: 'api refresh_token' },
    signal,
  );
  if (begun.status !== 200) throw new SignInRefused(oauthErrorOf(begun.body) ?? `status ${begun.status}`);
  const { device_code, user_code, verification_uri, interval } = readCodes(begun.body);
  await options.show({ address: checkAddress(verification_uri).href, code: user_code });
  const until_ms = clock.monotonic_ms() + LIFE_MS;
  for (let wait_ms = interval * 1000; clock.monotonic_ms() < until_ms;) {
    await timers.sleep(wait_ms, signal);
    signal.throwIfAborted();
    const answered = await postForm(
      options,
      TOKEN_PATH,
      { grant_type: 'device', client_id, code: device_code },
      signal,
    );
    const oauth = answered.status === 200 ? null : oauthErrorOf(answered.body);
    if (oauth === 'slow_down') wait_ms += SLOWER_MS;
    else if (oauth !== 'authorization_pending') return readToken(answered);
  }
  throw new ForbiddenError('salesforce.device', 'Nobody entered the code in time', { hint: 'Run the command again.' });
}

function readCodes(body: string): z.output<typeof codes> {
  try {
    return codes.parse(JSON.parse(body));
  } catch {
    throw new InvalidInputError('salesforce.answer', 'The sign-in of Salesforce answered without a code to enter');
  }
}
