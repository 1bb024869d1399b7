/** The entry of the program. Imports nothing before it knows that this Node can run the rest. */
const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 24) {
  process.stderr.write(`syncline: Syncline needs Node 24 or newer; this is Node ${process.versions.node}.\n`);
  process.exit(2);
}
const { start } = await import('./start.ts');
await start();

export {};
