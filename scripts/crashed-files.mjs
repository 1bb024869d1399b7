/**
 * A reporter for vitest: writes which test files ended because the process that ran them was killed by the system
 * (SIGSEGV), and whether that is all that went wrong. `test.mjs` runs those files, and only those, again.
 */
import { writeFileSync } from 'node:fs';

const SEGFAULT = /^Worker exited unexpectedly with signal SIGSEGV .*running test file (.+)$/;

/** The messages of an error and of its causes: vitest wraps what the process's end says. */
function messagesOf(error) {
  const messages = [];
  for (let at = error; at; at = at.cause) messages.push(String(at.message));
  return messages;
}

function crashedFile(error) {
  for (const message of messagesOf(error)) {
    const file = SEGFAULT.exec(message)?.[1];
    if (file) return file;
  }
  return null;
}

export default class CrashedFiles {
  onTestRunEnd(modules, errors) {
    const crashed = errors.map(crashedFile);
    // A file that crashed has tests without a result; one that failed has a test, a hook or an import that says so.
    const failed = modules.filter((module) => module.state() === 'failed' && !crashed.includes(module.moduleId));
    const only_crashes = failed.length === 0 && crashed.length > 0 && !crashed.includes(null);
    const file = process.env.SYNCLINE_TEST_CRASHES;
    if (file) writeFileSync(file, JSON.stringify({ crashed: [...new Set(crashed)].filter(Boolean), only_crashes }));
  }
}
