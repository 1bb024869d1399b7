/**
 * Pairing by a link (R15): good once and for ten minutes. The link carries the inviter's fingerprint and a secret in its
 * fragment, which no server ever sees. The joiner pins the fingerprint, so nobody can stand between, and proves that it
 * holds the secret for exactly these two keys; the inviter proves the same.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../../platform/clock.ts';
import { ForbiddenError, InvalidInputError, UsageError } from '../../../platform/errors.ts';
import type { Random } from '../../../platform/random.ts';
import { writeDurably } from '../../../platform/write-file.ts';
import { checkPeerUrl, type PairedPeer, type PeerBook } from './peer-book.ts';
import { wordsOf, type Keys } from './words.ts';

const FILE = 'memory-invitation.json';
export const INVITATION_MS = 600_000;
/** Wrong proofs after which an invitation is void: a right one needs the link, so these are attempts to guess. */
const MOST_WRONG = 5;
const SECRET_BYTES = 16;

const invitationFile = z.object({
  secret: z.string().regex(/^[A-Za-z0-9_-]{22}$/),
  until_ms: z.int(),
  /** Name and address that the joiner is told. */
  name: z.string(),
  url: z.string(),
  wrong: z.int(),
  /** Who used it; null while nobody has. */
  used: z.object({ name: z.string(), fingerprint: z.string(), words: z.string() }).nullable(),
});
export type Invitation = z.infer<typeof invitationFile>;

/** What a link says. */
export interface InvitationLink {
  url: string;
  fingerprint: string;
  secret: string;
}

export interface PairRequest {
  name: string;
  /** Where the joiner listens; null: it dials only. */
  url: string | null;
  proof: string;
}

export interface PairReply {
  name: string;
  proof: string;
}

/** `https://host:4778/#FINGERPRINT.SECRET` */
export function writeLink({ url, fingerprint, secret }: InvitationLink): string {
  return `${new URL(url).origin}/#${Buffer.from(fingerprint, 'hex').toString('base64url')}.${secret}`;
}

/** @throws UsageError `memory.link` */
export function readLink(link: string): InvitationLink {
  const url = URL.canParse(link) ? new URL(link) : null;
  const match = /^#([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{22})$/.exec(url?.hash ?? '');
  if (url?.protocol !== 'https:' || !match)
    throw new UsageError('memory.link', 'This is not a whole link of `syncline memory invite`', {
      hint: "Put it in 'quotes': shells cut it at #.",
    });
  return {
    url: url.origin,
    fingerprint: Buffer.from(match[1] ?? '', 'base64url').toString('hex'),
    secret: match[2] ?? '',
  };
}

/** The one open invitation of a member: a file, as the command line makes it and the daemon answers. */
export class InvitationFile {
  readonly #file: string;
  readonly #clock: Clock;

  constructor(keys_dir: string, clock: Clock) {
    this.#file = join(keys_dir, FILE);
    this.#clock = clock;
  }

  /** Opens an invitation; one that was open is void. */
  open({ name, url }: { name: string; url: string }, random: Random): Invitation {
    checkPeerUrl(url);
    const secret = Buffer.from(random.bytes(SECRET_BYTES)).toString('base64url');
    return this.#write({ secret, until_ms: this.#clock.now_ms() + INVITATION_MS, name, url, wrong: 0, used: null });
  }

  /** As it is now, used or not; null when there is none or its time is over. */
  read(): Invitation | null {
    if (!existsSync(this.#file)) return null;
    const parsed = invitationFile.safeParse(JSON.parse(readFileSync(this.#file, 'utf8')));
    // A clock that was stepped back must not keep a link alive.
    const left_ms = parsed.success ? parsed.data.until_ms - this.#clock.now_ms() : 0;
    return parsed.success && left_ms > 0 && left_ms <= INVITATION_MS ? parsed.data : null;
  }

  countWrong(invitation: Invitation): void {
    this.#write({ ...invitation, wrong: invitation.wrong + 1 });
  }

  use(invitation: Invitation, used: NonNullable<Invitation['used']>): void {
    this.#write({ ...invitation, used });
  }

  #write(invitation: Invitation): Invitation {
    writeDurably(this.#file, JSON.stringify(invitation));
    return invitation;
  }
}

const request = z.object({
  name: z.string().min(1).max(128),
  url: z.string().max(512).nullable(),
  proof: z.string().regex(/^[0-9a-f]{64}$/),
});

/**
 * Answers a joiner whose key TLS has proved.
 * @throws ForbiddenError `memory.invitation`; InvalidInputError `memory.pair`; UsageError of the book
 */
export function acceptPairing(
  {
    file,
    book,
    own_fingerprint,
    clock,
  }: { file: InvitationFile; book: PeerBook; own_fingerprint: string; clock: Clock },
  fingerprint: string,
  body: string,
): PairReply {
  const asked = parsePairRequest(body);
  const invitation = file.read();
  if (!invitation || invitation.used || invitation.wrong >= MOST_WRONG) throw noInvitation();
  const keys = { inviter: own_fingerprint, joiner: fingerprint };
  if (!isProof(asked.proof, proofOf('join', invitation.secret, keys, asked))) {
    file.countWrong(invitation);
    throw noInvitation();
  }
  book.add({ name: asked.name, fingerprint, url: asked.url, added_ms: clock.now_ms() });
  file.use(invitation, { name: asked.name, fingerprint, words: wordsOf(invitation.secret, keys) });
  const { name, url } = invitation;
  return { name, proof: proofOf('invite', invitation.secret, keys, { name, url }) };
}

function parsePairRequest(body: string): PairRequest {
  let value: unknown = null;
  try {
    value = JSON.parse(body);
  } catch {
    // Falls to the check below.
  }
  const parsed = request.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError('memory.pair', 'The request to pair does not have the agreed form', {
    field: parsed.error.issues[0]?.path.join('.') ?? '',
  });
}

/** Bound to both keys and to what is said with it, so that a proof is of no use elsewhere. */
export function proofOf(
  side: 'join' | 'invite',
  secret: string,
  { inviter, joiner }: Keys,
  { name, url }: { name: string; url: string | null },
): string {
  const said = JSON.stringify([side, inviter, joiner, name, url]);
  return createHmac('sha256', secret).update(said).digest('hex');
}

export function isProof(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

function noInvitation(): ForbiddenError {
  return new ForbiddenError('memory.invitation', 'No invitation is open for this link', {
    hint: 'A link is good once and for ten minutes. Make a new one: syncline memory invite',
  });
}

/** A peer as the joiner writes it down. */
export function inviterAsPeer(link: InvitationLink, name: string, now_ms: number): Omit<PairedPeer, 'member'> {
  return { name, fingerprint: link.fingerprint, url: link.url, added_ms: now_ms };
}
