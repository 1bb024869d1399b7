/** The joiner's side of pairing: one request to the inviter, whose key the link names. */
import type { Clock } from '../../../platform/clock.ts';
import { ForbiddenError, InvalidInputError, UnreachableError } from '../../../platform/errors.ts';
import { unanswered } from '../../../engine/http/transport-error.ts';
import { decodeBody, encodeBody } from '../https/body.ts';
import { PAIR_PATH, memberPool } from '../https/client.ts';
import { inviterAsPeer, isProof, proofOf, readLink } from './invitation.ts';
import type { MemberCertificate } from './member-key.ts';
import type { PairedPeer, PeerBook } from './peer-book.ts';
import { wordsOf } from './words.ts';

export interface JoinOptions {
  link: string;
  own: MemberCertificate;
  book: PeerBook;
  /** This machine, as the other side shall call it. */
  name: string;
  /** Where this machine listens; null: it only dials. */
  url: string | null;
  clock: Clock;
  signal: AbortSignal;
}

/**
 * @throws UsageError `memory.link`, `memory.peer_name`; UnreachableError `memory.unreached`; ForbiddenError
 * `memory.invitation`; InvalidInputError `memory.pair`
 */
export async function joinByLink(options: JoinOptions): Promise<{ peer: PairedPeer; words: string }> {
  const { own, book, name, url, clock } = options;
  const link = readLink(options.link);
  const keys = { inviter: link.fingerprint, joiner: own.fingerprint };
  const body = JSON.stringify({ name, url, proof: proofOf('join', link.secret, keys, { name, url }) });
  const reply = await exchange(options, link, body);
  const { name: their_name, proof } = readReply(reply);
  if (!isProof(proof, proofOf('invite', link.secret, keys, { name: their_name, url: link.url })))
    throw new ForbiddenError('memory.invitation', 'The other side does not know the secret of this link');
  return { peer: book.add(inviterAsPeer(link, their_name, clock.now_ms())), words: wordsOf(link.secret, keys) };
}

async function exchange(
  { own, signal }: JoinOptions,
  { url, fingerprint }: { url: string; fingerprint: string },
  body: string,
): Promise<string> {
  const pool = memberPool({ url, fingerprint, own });
  try {
    const { bytes, headers } = await encodeBody(body);
    const response = await pool.request({ method: 'POST', path: PAIR_PATH, body: bytes, headers, signal });
    const answer = await decodeBody(response.body, undefined);
    if (response.statusCode === 200) return answer;
    throw new ForbiddenError('memory.invitation', `The other side refused: ${messageIn(answer)}`, {
      hint: 'A link is good once and for ten minutes. Make a new one there: syncline memory invite',
    });
  } catch (error) {
    if (error instanceof ForbiddenError) throw error;
    throw new UnreachableError(
      'memory.unreached',
      `The machine that invited: ${unanswered(error, signal.aborted).message}`,
      {
        hint: 'Is Syncline running there, and is its memory port open to this machine?',
        cause: error,
      },
    );
  } finally {
    await pool.destroy();
  }
}

function readReply(text: string): { name: string; proof: string } {
  const { name, proof } = parsed(text);
  if (typeof name === 'string' && name !== '' && name.length <= 128 && typeof proof === 'string')
    return { name, proof };
  throw new InvalidInputError('memory.pair', 'The answer to the pairing does not have the agreed form');
}

function messageIn(text: string): string {
  const { message } = parsed(text);
  return typeof message === 'string' ? message.replace(/[\p{Cc}\p{Cf}]/gu, ' ').slice(0, 200) : 'without a word';
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
