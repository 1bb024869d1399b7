/** Other screens: phone, paper, those who want less movement or more contrast. */
export const MEDIA = `
@media (max-width: 40rem) {
  body { padding-inline: 0.875rem; }
  th:first-child, td:first-child, caption, .more { padding-left: 0.875rem; }
  th, td { padding-inline: 0.5rem; }
  th[scope='row'] { min-width: 8rem; max-width: 10rem; }
  td.wide { min-width: 12rem; }
  .card, .chart, .getting-started, .problem { padding-inline: 0.875rem; }
  .periods { width: 100%; }
  .periods li { flex: 1; }
  .periods a { padding: 0.5rem 0.25rem; text-align: center; }
  .chip { padding-block: 0.5rem; }
  .top { column-gap: 0.5rem; }
  .places { gap: 0; }
  .search label { flex-basis: 100%; }
  .search button { padding-inline: 0.875rem; }
  .figures { grid-template-columns: repeat(auto-fill, minmax(5.75rem, 1fr)); gap: 0.625rem 0.75rem; }
  .reading { grid-template-columns: 1fr auto; }
  .reading label { grid-column: 1 / -1; }
}
@media (prefers-contrast: more) {
  :root { --line: currentcolor; --muted: var(--text); }
}
@media (prefers-reduced-motion: no-preference) {
  .skip { transition: top 0.12s ease-out; }
}
@media (forced-colors: active) {
  .column, .share-part { fill: CanvasText; }
  .periods a[aria-current] { outline: 1px solid; }
}
@media print {
  :root { --ground: #fff; --surface: #fff; --text: #000; --muted: #444; --line: #bbb; color-scheme: light; }
  body { max-width: none; padding: 0; font-size: 9pt; }
  .skip, .filter, .more a, summary { display: none; }
  th, td { padding: 0.25rem 0.3rem; font-size: 8pt; }
  th:first-child, td:first-child, caption, .more { padding-left: 0; }
  th:last-child, td:last-child { padding-right: 0; }
  .scroll { overflow: visible; }
  th[scope='row'] { position: static; min-width: 0; }
  td.name { min-width: 0; }
  thead th, thead small, small, .figures dt { font-size: 7.5pt; }
  .table, .card, .chart { border: 0; padding-inline: 0; break-inside: avoid; }
  a { color: inherit; text-decoration: none; }
}
`;
