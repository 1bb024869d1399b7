#!/usr/bin/env node
/** The entry of the program. Imports nothing before it knows what is wanted and that this Node can do it. */
const [, , first, second] = process.argv;
const [major = 0] = process.versions.node.split('.').map(Number);

if (first === 'telemetry' && second === 'hook') {
  try {
    const { hook } = await import('./commands/telemetry-hook.ts');
    await hook();
  } catch {
    // An agent called us: whatever happens here, a word or an exit code of ours would end up in its turn (R9).
    process.exitCode = 0;
  }
} else if (major < 24) {
  process.stderr.write(`syncline: Syncline needs Node 24 or newer; this is Node ${process.versions.node}.\n`);
  process.exitCode = 2;
} else {
  const { start } = await import('./start.ts');
  await start();
}

export {};
