/** Elements as such, and the frame of a page. */
export const BASE = `
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto;
  max-width: 76rem;
  padding: 0 1.5rem 3rem;
  background: var(--ground);
  color: var(--text);
  font: 0.9375rem/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif;
  overflow-wrap: break-word;
}
h1 { font-size: 1.5rem; line-height: 1.25; font-weight: 650; letter-spacing: -0.01em; margin: 0.5rem 0 1.25rem; }
h2 { font-size: 0.9375rem; line-height: 1.4; font-weight: 650; margin: 0 0 0.75rem; }
small { font-size: 0.8125rem; font-weight: 400; color: var(--muted); }
p { margin: 0 0 0.5rem; }
a { color: var(--accent); text-underline-offset: 0.15em; text-decoration-thickness: 1px; }
a:hover { text-decoration-thickness: 2px; }
code { font-family: var(--mono); font-size: 0.875em; }
main { outline: none; }
main > * { margin-block: 0 var(--gap); }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 3px; }
.visually-hidden {
  position: absolute; width: 1px; height: 1px; margin: -1px; padding: 0;
  overflow: hidden; clip-path: inset(50%); white-space: nowrap; border: 0;
}
.skip {
  position: absolute; left: 1rem; top: -4rem; z-index: 1; padding: 0.5rem 0.875rem;
  background: var(--accent); color: var(--ground); border-radius: 0 0 6px 6px;
}
.skip:focus { top: 0; }
.top {
  display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.25rem 1.5rem;
  padding: 1.25rem 0 1rem; margin-bottom: 1.25rem; border-bottom: 1px solid var(--line);
}
.top p { margin: 0; color: var(--muted); font-size: 0.8125rem; }
.brand {
  display: inline-flex; align-items: center; gap: 0.5rem;
  color: var(--text); font-weight: 700; font-size: 1.0625rem; letter-spacing: -0.01em; text-decoration: none;
}
.logo { width: 1.25rem; height: 1.25rem; }
.logo path { fill: none; stroke: var(--accent); stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
footer { margin-top: 2.5rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--muted); font-size: 0.8125rem; }
`;
