import { expect, it } from 'vitest';
import { LiveBlock } from './live-block.ts';

function block(is_tty: boolean, columns = 20): { block: LiveBlock; written: () => string } {
  const parts: string[] = [];
  const live = new LiveBlock({ write: (text) => void parts.push(text) }, is_tty, () => columns);
  return { block: live, written: () => parts.splice(0).join('') };
}

it('draws over what it drew before, counting lines that wrap', () => {
  const { block: live, written } = block(true);
  live.draw(['short', 'x'.repeat(41)]);
  expect(written()).toBe(`\u001b[0Jshort\n${'x'.repeat(41)}\n`);
  live.draw(['next']);
  expect(written()).toBe('\u001b[4A\u001b[0Jnext\n');
  live.finish(['last']);
  expect(written()).toBe('\u001b[1A\u001b[0Jlast\n');
});

it('writes plain lines elsewhere: all once, then only what is different at the end', () => {
  const { block: live, written } = block(false);
  live.draw(['Found 3', 'Reading 10 %']);
  live.draw(['Found 3', 'Reading 50 %']);
  live.finish(['Found 3', 'Reading all']);
  expect(written()).toBe('Found 3\nReading 10 %\nReading all\n');
});
