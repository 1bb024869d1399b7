/** A destination that could never get anything is an error where somebody looks, and names the field. */
import { expect, test } from 'vitest';
import { Machine } from '../support/machine.ts';

const server = (name: string, salt: string): string =>
  `[[telemetry.destination]]
type = "server"
name = "${name}"
url = "http://127.0.0.1:9"
token = { env = "T" }
team_id = "acme"
salt = { env = "${salt}" }
`;
const TEAM = `[team]\nurl = "http://127.0.0.1:9"\ntoken = { env = "T" }\nsalt = { env = "S" }\nprojects = ["**"]\n`;
const env = { T: 'token', S: 'a5'.repeat(32), SAME: 'A5'.repeat(32), OTHER: 'b6'.repeat(32) };

test.each([
  ['beside the team', `${TEAM}${server('eu', 'SAME')}${server('us', 'OTHER')}`, 'telemetry.destination[1].salt'],
  ['beside another', `${server('eu', 'S')}${server('us', 'OTHER')}`, 'telemetry.destination[1].salt'],
])('another salt %s: config check, doctor, status and up say so', { timeout: 60_000 }, async (_, config, field) => {
  await using machine = new Machine();
  machine.configure(config);
  const check = await machine.run(['config', 'check'], { env });
  expect(check).toMatchObject({ exit: 2, stdout: expect.stringContaining(field) as string });
  const doctor = await machine.run(['doctor'], { env });
  expect(doctor).toMatchObject({ exit: 1, stdout: expect.stringContaining(field) as string });
  for (const verb of ['status', 'up', 'flush']) {
    const refused = await machine.run([verb], { env });
    expect(refused).toMatchObject({ exit: 2, stderr: expect.stringContaining(field) as string });
    expect(refused.stderr).toContain('--profile');
    for (const salt of [env.S, env.OTHER]) expect(refused.stderr).not.toContain(salt);
  }
});

test('the same salt twice is no problem', { timeout: 60_000 }, async () => {
  await using machine = new Machine();
  machine.configure(`${TEAM}${server('eu', 'SAME')}`);
  expect(await machine.run(['config', 'check'], { env })).toMatchObject({ exit: 0, stdout: '' });
  expect(await machine.run(['status'], { env })).toMatchObject({ exit: 0 });
});

test(
  'a team without its salt: config check, doctor and status say that nothing is sent',
  { timeout: 60_000 },
  async () => {
    await using machine = new Machine();
    machine.configure(TEAM.replace(/salt = .*\n/, ''));
    const named = 'team.salt is missing';
    const check = await machine.run(['config', 'check'], { env });
    expect(check).toMatchObject({
      exit: 2,
      stdout: expect.stringMatching(/config\.toml:2:\d+: team\.salt is missing/) as string,
    });
    const doctor = await machine.run(['doctor'], { env });
    expect(doctor).toMatchObject({ exit: 1, stdout: expect.stringContaining(named) as string });
    const status = await machine.run(['status'], { env });
    expect(status.exit).toBe(0);
    expect(status.stdout + status.stderr).toContain(named);
  },
);
