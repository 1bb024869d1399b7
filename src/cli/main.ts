#!/usr/bin/env node
/** The entry of the program. Imports nothing before it knows what is wanted and that this Node can do it. */
const [, , first, second] = process.argv;
const [major = 0] = process.versions.node.split('.').map(Number);

if (first === 'telemetry' && second === 'hook') {
  // Ends the process itself, with 0 and without a word, whatever happens (R9).
  await import('./hook.ts');
} else if (major < 24) {
  process.stderr.write(`syncline: Syncline needs Node 24 or newer; this is Node ${process.versions.node}.\n`);
  process.exitCode = 2;
} else {
  const { start } = await import('./start.ts');
  await start();
}

export {};
