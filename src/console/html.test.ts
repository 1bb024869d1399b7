import fc from 'fast-check';
import { expect, test } from 'vitest';
import { html } from './html.ts';

test('what is put into a template is text, never markup', () => {
  expect(String(html`<p title="${`"'>`}">${'<b>&'}</p>`)).toBe('<p title="&quot;&#39;&gt;">&lt;b&gt;&amp;</p>');
});

test('templates nest without being escaped twice, lists are joined, absent parts leave nothing', () => {
  const items = ['a', '<'].map((name) => html`<b>${name}</b>`);
  expect(String(html`${items}${null}${undefined}${false}${0}`)).toBe('<b>a</b><b>&lt;</b>0');
});

test('an object that looks like markup is not taken for it', () => {
  const forged = { toString: () => '<script>' } as unknown as string;
  expect(() => String(html`${forged}`)).toThrow();
});

test('no text whatever leaves its place', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const page = String(html`<a title="${text}">${text}</a>`);
      expect(page).toMatch(/^<a title="[^"<>]*">[^"<>]*<\/a>$/s);
    }),
  );
});

test('characters that turn or hide the text around them are shown as such', () => {
  expect(String(html`${'a\u202eb\u0000c\u2066d\ne'}`)).toBe('a\ufffdb\ufffdc\ufffdd\ne');
});
