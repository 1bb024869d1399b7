import { describe, expect, test } from 'vitest';
import { saidHtml } from './said.ts';

function markup(...lines: string[]): string {
  return saidHtml(lines.join('\n')).join('');
}

describe('what was said', () => {
  test('is shown as it was written, escaped', () => {
    expect(markup('a  b', '<b>c</b>')).toBe('<p>a  b\n&lt;b&gt;c&lt;/b&gt;</p>');
    expect(markup('')).toBe('');
  });

  test('has code between fences set as code, as it is', () => {
    expect(markup('Look:', '', '```ts', '  if (a < b) {', '', '  }', '```', '', 'Done.')).toBe(
      '<p>Look:</p><pre>  if (a &lt; b) {\n\n  }</pre><p>Done.</p>',
    );
    expect(markup('~~~', '```', '~~~')).toBe('<pre>```</pre>');
    expect(markup('````', '```', 'x', '```', '````')).toBe('<pre>```\nx\n```</pre>');
  });

  test('keeps everything after a fence that nobody closed', () => {
    expect(markup('```', 'a', 'b')).toBe('<pre>a\nb</pre>');
    expect(markup('```js a', 'b', '```js', 'c')).toBe('<pre>b\n```js\nc</pre>');
  });
});
