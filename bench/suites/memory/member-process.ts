/** One process: a member that answers others until it is killed. */
import { systemTimers } from '../../../src/platform/timers.ts';
import { processInput } from '../../measured-process.ts';
import { openMember } from './open-member.ts';

const { home } = processInput<{ home: string }>();
const member = await openMember(home);
await member.join(0);
while (member.peers.port === null) await systemTimers.sleep(1);
process.stdout.write('listening\n');
