/** The parts that are no tables. */
export const COMPONENTS = `
.detail { color: var(--muted); font-size: 0.8125rem; font-weight: 400; }
p.detail { margin: 0.125rem 0 0; }
.breakable { overflow-wrap: anywhere; }
.none, .quiet { color: var(--muted); }
.unknown { color: var(--muted); cursor: help; }
.failed { color: var(--bad); font-weight: 600; }
.sample {
  margin: -0.25rem 0 1.25rem; padding: 0.625rem 1rem;
  background: var(--warn-soft); border: 1px solid var(--warn-line); border-radius: var(--radius);
}
.sample p { margin: 0; }
.sample strong { margin-right: 0.5rem; color: var(--warn); letter-spacing: 0.04em; }
.promise { margin-bottom: 1rem; }
.promise::before {
  content: ''; display: inline-block; width: 0.5rem; height: 0.5rem; margin-right: 0.5rem;
  border-radius: 50%; background: var(--bar); vertical-align: 0.08em;
}
.attention { padding: 0.875rem 1rem; background: var(--warn-soft); border: 1px solid var(--warn-line); border-radius: var(--radius); }
.attention h2 { color: var(--warn); margin-bottom: 0.375rem; }
.attention ul { margin: 0; padding-left: 1.125rem; }
.attention li { margin-block: 0.25rem; }
.attention .detail { display: block; }
.reading { display: grid; grid-template-columns: auto minmax(6rem, 22rem) auto; gap: 0.25rem 0.75rem; align-items: center; justify-content: start; }
.reading p { grid-column: 1 / -1; }
progress { width: 100%; height: 0.5rem; appearance: none; border: 0; border-radius: 4px; overflow: hidden; background: var(--line); }
progress::-webkit-progress-bar { background: var(--line); }
progress::-webkit-progress-value { background: var(--bar); }
progress::-moz-progress-bar { background: var(--bar); }
.filter { display: flex; flex-wrap: wrap; gap: 0.5rem 0.75rem; align-items: center; margin-bottom: 1rem; }
.periods { display: flex; list-style: none; margin: 0; padding: 0.1875rem; background: var(--sunken); border-radius: 8px; }
.periods a { display: block; padding: 0.25rem 0.75rem; border-radius: 6px; color: var(--muted); text-decoration: none; font-weight: 500; }
.periods a:hover { color: var(--text); }
.periods a[aria-current] { background: var(--surface); color: var(--text); box-shadow: 0 0 0 1px var(--line); }
.chip { padding: 0.25rem 0.75rem; border-radius: 999px; background: var(--accent-soft); color: var(--accent); text-decoration: none; font-weight: 500; }
.chip:hover { text-decoration: line-through; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: 1rem; }
.card, .chart, .getting-started, .problem {
  padding: 1.125rem 1.25rem; background: var(--surface); border: 1px solid var(--line); border-radius: var(--radius);
}
.card h2 { color: var(--muted); font-weight: 500; margin-bottom: 0.125rem; }
.headline { margin: 0 0 0.875rem; font-size: 2rem; line-height: 1.2; font-weight: 650; letter-spacing: -0.02em; }
.headline small { letter-spacing: 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.5rem, 1fr)); gap: 0.75rem 1rem; margin: 0; }
.figures.wide { grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); }
.figures dt { color: var(--muted); font-size: 0.8125rem; line-height: 1.35; }
.figures dd { margin: 0; font-weight: 550; font-variant-numeric: tabular-nums; }
.columns { display: grid; grid-template-columns: auto 1fr; gap: 0 0.75rem; }
.columns svg { width: 100%; height: 7.5rem; border-bottom: 1px solid var(--line); }
.columns p { margin: 0; color: var(--muted); font-size: 0.8125rem; font-variant-numeric: tabular-nums; }
.columns .axis { line-height: 1; }
.columns .days { grid-column: 2; display: flex; justify-content: space-between; padding-top: 0.25rem; }
.columns .each span { flex: 1; text-align: center; overflow: hidden; }
.column { fill: var(--bar); }
.column-space { fill: transparent; }
g:hover .column-space { fill: var(--sunken); }
summary { cursor: pointer; color: var(--accent); width: fit-content; }
details { margin-top: 0.75rem; }
details[open] summary { margin-bottom: 0.75rem; }
.note { color: var(--muted); font-size: 0.8125rem; max-width: 48rem; }
.back { margin-bottom: 0.5rem; }
.getting-started ol, .problem ul { margin: 0.5rem 0 0; padding-left: 1.25rem; }
.getting-started li { margin-block: 0.25rem; }
.problem { max-width: 44rem; margin-top: 2rem; }
.problem h1 { margin-top: 0; }
.state { display: inline-flex; align-items: baseline; gap: 0.375rem; white-space: nowrap; }
.state::before { content: ''; align-self: center; width: 0.5rem; height: 0.5rem; border-radius: 50%; background: currentColor; }
.state.good::before { background: var(--good); }
.state.idle::before { background: none; box-shadow: inset 0 0 0 2px var(--muted); }
.state.warn { color: var(--warn); margin-left: 0.5rem; }
.state.warn::before { border-radius: 0; rotate: 45deg; }
.places { display: flex; gap: 0.25rem; margin-right: auto; }
.places a { padding: 0.25rem 0.625rem; border-radius: 6px; color: var(--muted); text-decoration: none; font-weight: 500; }
.places a:hover { color: var(--text); background: var(--sunken); }
.places a[aria-current] { color: var(--text); background: var(--sunken); }
.search { display: flex; flex-wrap: wrap; gap: 0.5rem 0.75rem; align-items: center; }
.search label { font-weight: 550; }
.search input { flex: 1 1 10rem; min-width: 0; padding: 0.5rem 0.75rem; font: inherit; color: var(--text); background: var(--surface); border: 1px solid var(--muted); border-radius: 6px; }
.search button { padding: 0.5rem 1.125rem; font: inherit; font-weight: 600; color: var(--ground); background: var(--accent); border: 1px solid var(--accent); border-radius: 6px; cursor: pointer; }
.search .note { flex-basis: 100%; max-width: none; margin: 0; }
.hits { margin: 0; padding: 0; list-style: none; }
.hits > li { padding: 0.875rem 0; max-width: 60rem; border-top: 1px solid var(--line); }
.snippet { margin: 0.25rem 0; overflow-wrap: anywhere; }
mark { color: inherit; background: var(--warn-soft); border-bottom: 2px solid var(--warn-line); }
.foreign { color: var(--warn); font-weight: 600; font-size: 0.8125rem; }
.namespaces { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; }
.namespaces [aria-current] { font-weight: 650; color: var(--text); }
.remembered pre, .card pre, td pre, th pre { font: 0.875rem/1.5 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; padding: 0.75rem 0.875rem; background: var(--sunken); border-radius: 6px; max-height: 32rem; overflow: auto; }
.plain { margin: 0; padding: 0; list-style: none; }
.plain ul { list-style: none; padding-left: 1.25rem; margin: 0; }
.plain li { margin-block: 0.25rem; overflow-wrap: anywhere; }
.message { padding: 1.125rem 0; border-top: 1px solid var(--line); max-width: 60rem; }
.message:target { background: var(--warn-soft); box-shadow: -0.75rem 0 0 var(--warn-soft), 0.75rem 0 0 var(--warn-soft); }
.message h3 { margin: 0 0 0.5rem; font-size: 0.9375rem; font-weight: 650; }
.message h3 a { color: var(--muted); margin-right: 0.375rem; font-weight: 400; font-variant-numeric: tabular-nums; }
.message h3 small { margin-left: 0.5rem; }
.message.user .said { padding-left: 0.875rem; border-left: 3px solid var(--bar); }
.said p, .message pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; }
.said > p + *, .said > pre + *, .message details + .said { margin-top: 0.75rem; }
.said > pre:first-child { margin-top: 0; }
.message pre { font: 0.8125rem/1.45 var(--mono); padding: 0.625rem 0.75rem; margin-top: 0.5rem; background: var(--sunken); border-radius: 6px; max-height: 32rem; overflow: auto; }
.message details { margin-top: 0.625rem; }
.message summary { width: auto; overflow-wrap: anywhere; }
.message details[open] summary { margin-bottom: 0; }
.message details + details { margin-top: 0.25rem; }
.messages > .more { padding-inline: 0; display: flex; gap: 1.25rem; }
`;
