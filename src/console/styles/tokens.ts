/** Colours and measures. All text meets WCAG AA (4.5 : 1) on each ground it stands on; axe checks it in both schemes. */
export const TOKENS = `
:root {
  color-scheme: light dark;
  --ground: #fbfbfa;
  --surface: #ffffff;
  --sunken: #f2f3f1;
  --line: #dfe2de;
  --text: #1a1d1b;
  --muted: #5a625d;
  --accent: #0b625d;
  --accent-soft: #d9ece9;
  --bar: #3c9a92;
  --bad: #a8261a;
  --warn: #7a4b00;
  --warn-soft: #fdf1d8;
  --warn-line: #e3c27a;
  --good: #1f6a3a;
  --focus: #1758c8;
  --radius: 10px;
  --gap: 1.5rem;
  --mono: ui-monospace, 'SF Mono', 'Cascadia Mono', 'JetBrains Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #121514;
    --surface: #191d1c;
    --sunken: #222726;
    --line: #323938;
    --text: #e7ebe9;
    --muted: #9ea8a4;
    --accent: #7fd3ca;
    --accent-soft: #1c3a37;
    --bar: #46a69d;
    --bad: #ff9b8f;
    --warn: #f1c876;
    --warn-soft: #2e2614;
    --warn-line: #66531f;
    --good: #7fd69c;
    --focus: #8ab4ff;
  }
}
`;
