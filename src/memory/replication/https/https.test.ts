import { connect } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { scratchDirectory } from '../../../../test/support/scratch-directory.ts';
import { systemClock } from '../../../platform/clock.ts';
import { systemRandom } from '../../../platform/random.ts';
import { systemTimers } from '../../../platform/timers.ts';
import type { MemberId } from '../../origin.ts';
import { InvitationFile, acceptPairing, writeLink } from '../pairing/invitation.ts';
import { joinByLink } from '../pairing/join.ts';
import { openMemberCertificate, type MemberCertificate } from '../pairing/member-key.ts';
import { PeerBook } from '../pairing/peer-book.ts';
import { httpsTransport } from './client.ts';
import { startPeerListener, type PeerListener } from './server.ts';

const signal = AbortSignal.timeout(60_000);

interface Side {
  keys: string;
  own: MemberCertificate;
  book: PeerBook;
  invitations: InvitationFile;
  clock: { now: number };
}

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function side(): Promise<Side> {
  const scratch = scratchDirectory();
  closing.push(() => scratch.remove());
  const clock = { now: 1_800_000_000_000 };
  const own = await openMemberCertificate(scratch.path);
  const now = { ...systemClock, now_ms: () => clock.now };
  return {
    keys: scratch.path,
    own,
    book: new PeerBook(scratch.path),
    invitations: new InvitationFile(scratch.path, now),
    clock,
  };
}

async function listen(
  { own, book, invitations, clock }: Side,
  answer: (member: MemberId, verb: string, body: string) => Promise<string> = async () => 'answer',
): Promise<PeerListener & { url: string; defects: unknown[] }> {
  const defects: unknown[] = [];
  const now = { ...systemClock, now_ms: () => clock.now };
  const listener = await startPeerListener({
    host: '127.0.0.1',
    port: 0,
    own,
    timers: systemTimers,
    memberOf: (fingerprint) => book.byFingerprint(fingerprint)?.member ?? null,
    answer,
    pair: async (fingerprint, body) =>
      acceptPairing({ file: invitations, book, own_fingerprint: own.fingerprint, clock: now }, fingerprint, body),
    onDefect: (error) => defects.push(error),
  });
  closing.push(() => listener.stop());
  return { ...listener, url: `https://127.0.0.1:${listener.port}`, defects };
}

function transportTo(url: string, them: Side, us: Side): ReturnType<typeof httpsTransport> {
  const transport = httpsTransport({ url, fingerprint: them.own.fingerprint, own: us.own });
  closing.push(() => transport.close());
  return transport;
}

const pairedWith = (us: Side, them: Side, name: string): void =>
  void us.book.add({ name, fingerprint: them.own.fingerprint, url: null, added_ms: 0 });

describe('mTLS between members', () => {
  test('a paired member is answered as who its key says', async () => {
    const [a, b] = [await side(), await side()];
    pairedWith(a, b, 'b');
    const { url } = await listen(a, async (member, verb, body) => `${member} ${verb} ${body}`);
    const answer = await transportTo(url, a, b).ask('hello', 'hej', signal);
    expect(answer).toEqual({ ok: true, body: `${b.own.member} hello hej` });
  });

  test('large bodies come whole both ways', async () => {
    const [a, b] = [await side(), await side()];
    pairedWith(a, b, 'b');
    const { url } = await listen(a, async (_, __, body) => body);
    const body = 'ö0123456789'.repeat(200_000);
    expect(await transportTo(url, a, b).ask('push', body, signal)).toEqual({ ok: true, body });
  });

  test('a stranger is refused and told nothing', async () => {
    const [a, stranger] = [await side(), await side()];
    const asked: string[] = [];
    const { url } = await listen(a, async (member) => (asked.push(member), 'secret'));
    const answer = await transportTo(url, a, stranger).ask('hello', '', signal);
    expect(answer).toMatchObject({ ok: false, kind: 'refused', code: 'memory.not_paired' });
    expect(asked).toEqual([]);
  });

  test('a connection without a certificate gets no answer at all', async () => {
    const { port } = await listen(await side());
    const heard = await new Promise<string>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () =>
        socket.write('POST /api/v1/repl/hello HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n'),
      );
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      socket.on('error', () => resolve(text));
      socket.on('close', () => resolve(text));
    });
    expect(heard).toBe('');
  });

  test('nothing is sent to a machine that answers with another key', async () => {
    const [a, b, imposter] = [await side(), await side(), await side()];
    const asked: string[] = [];
    pairedWith(imposter, b, 'b');
    const { url } = await listen(imposter, async (_, __, body) => (asked.push(body), ''));
    const answer = await transportTo(url, a, b).ask('push', 'a secret', signal);
    expect(answer).toMatchObject({ ok: false, kind: 'unreached' });
    expect(asked).toEqual([]);
  });

  test('a member that was taken out is refused from the next request on', async () => {
    const [a, b] = [await side(), await side()];
    pairedWith(a, b, 'b');
    const { url } = await listen(a);
    const transport = transportTo(url, a, b);
    expect(await transport.ask('hello', '', signal)).toMatchObject({ ok: true });
    new PeerBook(a.keys).remove('b');
    expect(await transport.ask('hello', '', signal)).toMatchObject({ code: 'memory.not_paired' });
    expect(a.book.removed()).toEqual([b.own.member]);
  });

  test('only the sync verbs are served', async () => {
    const [a, b] = [await side(), await side()];
    pairedWith(a, b, 'b');
    const { url } = await listen(a);
    const answer = await transportTo(url, a, b).ask('../memories' as 'hello', '', signal);
    expect(answer).toMatchObject({ ok: false, kind: 'refused', code: 'not_found' });
  });

  test('a message that is too large is refused, compressed or not', async () => {
    const [a, b] = [await side(), await side()];
    pairedWith(a, b, 'b');
    const { url, defects } = await listen(a);
    const answer = await transportTo(url, a, b).ask('push', 'x'.repeat(20 * 1024 * 1024), signal);
    expect(answer).toMatchObject({ ok: false, kind: 'refused', code: 'memory.message' });
    expect(defects).toEqual([]);
  });

  test('a defect is reported and its text not sent', async () => {
    const [a, b] = [await side(), await side()];
    pairedWith(a, b, 'b');
    const { url, defects } = await listen(a, async () => Promise.reject(new Error('path /home/ann')));
    const answer = await transportTo(url, a, b).ask('hello', '', signal);
    expect(answer).toEqual({ ok: false, kind: 'unreached', message: 'The member failed to answer', retry_after_ms: 0 });
    expect(defects).toHaveLength(1);
  });
});

describe('pairing by a link', () => {
  async function invited(): Promise<{ inviter: Side; joiner: Side; link: string }> {
    const [inviter, joiner] = [await side(), await side()];
    const { url } = await listen(inviter);
    const { secret } = inviter.invitations.open({ name: 'server', url }, systemRandom);
    return { inviter, joiner, link: writeLink({ url, fingerprint: inviter.own.fingerprint, secret }) };
  }

  const join = ({ own, book }: Side, link: string): ReturnType<typeof joinByLink> =>
    joinByLink({ link, own, book, name: 'laptop', url: null, clock: systemClock, signal });

  test('both know each other afterwards, and see the same six words', async () => {
    const { inviter, joiner, link } = await invited();
    const { peer, words } = await join(joiner, link);
    expect(words.split(' ')).toHaveLength(6);
    expect(inviter.invitations.read()?.used?.words).toBe(words);
    expect(peer).toMatchObject({ name: 'server', member: inviter.own.member });
    expect(joiner.book.peers()).toMatchObject([{ name: 'server', fingerprint: inviter.own.fingerprint }]);
    expect(inviter.book.peers()).toMatchObject([{ name: 'laptop', member: joiner.own.member, url: null }]);
  });

  test('a link is good once', async () => {
    const { inviter, joiner, link } = await invited();
    await join(joiner, link);
    await expect(join(await side(), link)).rejects.toMatchObject({ code: 'memory.invitation' });
    expect(inviter.book.peers()).toHaveLength(1);
  });

  test('a link is good for ten minutes', async () => {
    const { inviter, joiner, link } = await invited();
    inviter.clock.now += 600_001;
    await expect(join(joiner, link)).rejects.toMatchObject({ code: 'memory.invitation' });
    inviter.clock.now -= 3_600_000;
    await expect(join(joiner, link)).rejects.toMatchObject({ code: 'memory.invitation' });
    expect(inviter.book.peers()).toEqual([]);
  });

  test('guessing ends the invitation', async () => {
    const { inviter, joiner, link } = await invited();
    const guess = `${link.slice(0, -22)}${'A'.repeat(22)}`;
    for (let i = 0; i < 5; i++) await expect(join(joiner, guess)).rejects.toMatchObject({ code: 'memory.invitation' });
    await expect(join(joiner, link)).rejects.toMatchObject({ code: 'memory.invitation' });
    expect(inviter.book.peers()).toEqual([]);
  });

  test('a link to another key pairs nobody', async () => {
    const { inviter, joiner, link } = await invited();
    const other = (await side()).own.fingerprint;
    const altered = link.replace(/#[^.]+/, `#${Buffer.from(other, 'hex').toString('base64url')}`);
    await expect(join(joiner, altered)).rejects.toMatchObject({ code: 'memory.unreached' });
    expect(joiner.book.peers()).toEqual([]);
    expect(inviter.book.peers()).toEqual([]);
  });

  test('half a link is named as such', async () => {
    const { joiner, link } = await invited();
    await expect(join(joiner, link.split('#')[0]!)).rejects.toMatchObject({ code: 'memory.link' });
  });
});
