/** Tables: quiet lines, figures to the right and of one width, the name of a row always in sight. */
export const TABLES = `
.table { background: var(--surface); border: 1px solid var(--line); border-radius: var(--radius); }
.scroll {
  /* Positioned, or the hidden texts of cells out of sight would widen the page itself. */
  position: relative; overflow-x: auto; border-radius: inherit;
  /* A shade at the right edge while there is more to the right; the first layer moves with the content and covers it. */
  background:
    linear-gradient(to left, var(--surface) 2rem, transparent) right / 3rem 100% no-repeat local,
    linear-gradient(to left, var(--line), transparent) right / 0.75rem 100% no-repeat scroll;
}
.scroll:focus-visible { outline-offset: -2px; border-radius: var(--radius); }
table { width: 100%; border-collapse: collapse; }
caption { padding: 0.875rem 1.25rem 0.375rem; text-align: left; font-weight: 650; }
caption small { margin-left: 0.375rem; }
th, td { padding: 0.4375rem 0.75rem; text-align: left; vertical-align: baseline; font-weight: 400; }
th:first-child, td:first-child { padding-left: 1.25rem; }
th:last-child, td:last-child { padding-right: 1.25rem; }
thead th { color: var(--muted); font-size: 0.8125rem; font-weight: 500; white-space: nowrap; vertical-align: bottom; border-bottom: 1px solid var(--line); }
thead small { display: block; font-size: 0.75rem; line-height: 1.2; }
tbody tr + tr > * { border-top: 1px solid color-mix(in srgb, var(--line) 60%, transparent); }
tbody tr:hover > * { background: color-mix(in srgb, var(--sunken) 60%, var(--surface)); }
tfoot > tr > * { border-top: 1px solid var(--line); font-weight: 600; }
th[scope='row'] { position: sticky; left: 0; background: var(--surface); min-width: 9rem; max-width: 22rem; overflow-wrap: anywhere; }
td.name { min-width: 7.5rem; max-width: 30rem; }
td.name code:not(.breakable) { white-space: nowrap; }
td.wide { min-width: 15rem; }
.figure { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.empty { color: var(--muted); padding-block: 1.25rem; }
.step-day { display: block; color: var(--muted); font-size: 0.8125rem; }
.share { display: block; width: 100%; min-width: 4rem; height: 3px; margin-top: 0.25rem; border-radius: 2px; overflow: hidden; }
.share-whole { fill: var(--sunken); }
.share-part { fill: var(--bar); }
.more { margin: 0; padding: 0.625rem 1.25rem; border-top: 1px solid var(--line); color: var(--muted); font-size: 0.8125rem; }
.more + .more { border-top: 0; padding-top: 0; }
details .table { border-color: var(--line); }
`;
