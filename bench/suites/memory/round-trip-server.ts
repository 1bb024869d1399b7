/** One process: an mTLS listener that reads a body and answers nothing. */
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { MemberCertificate } from '../../../src/memory/replication/pairing/member-key.ts';
import { processInput } from '../../measured-process.ts';

const { private_key, certificate } = processInput<MemberCertificate>();
const server = createServer(
  { key: private_key, cert: certificate, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3' },
  (incoming, outgoing) => incoming.resume().on('end', () => outgoing.end()),
);
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
