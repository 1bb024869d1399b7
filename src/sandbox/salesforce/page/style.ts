/** The style of the sandbox's pages; light and dark by the reader's own setting. */
export const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#18222d, #e4e9ee); --soft: light-dark(#5a6875, #9aa7b4);
  --ground: light-dark(#fff, #12181e); --panel: light-dark(#f3f5f7, #1b232b); --line: light-dark(#d5dce2, #33404c);
  --accent: light-dark(#0b6e69, #5cc8c0); --bad: light-dark(#a3282a, #ff9b96); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; padding: .75rem 1.25rem;
  border-bottom: 1px solid var(--line); }
header a { color: inherit; font-weight: 600; text-decoration: none; }
header span, .soft { color: var(--soft); font-size: .9rem; }
main { max-width: 62rem; margin: 0 auto; padding: 1.25rem; }
h1 { font-size: 1.5rem; margin: .25rem 0 1rem; } h2 { font-size: 1.1rem; margin: 1.75rem 0 .5rem; }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; top: .5rem; background: var(--ground); padding: .5rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .95rem; }
th, td { text-align: left; padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 500; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
label { display: block; margin: 0 0 .75rem; font-size: .9rem; color: var(--soft); }
label.check { display: flex; gap: .5rem; align-items: center; }
input, select, textarea { font: inherit; color: var(--ink); background: var(--ground); border: 1px solid var(--line);
  border-radius: .35rem; padding: .45rem .6rem; width: 100%; min-height: 2.5rem; }
input[type=checkbox] { width: 1.25rem; min-height: 1.25rem; }
textarea { min-height: 5rem; }
button { font: inherit; font-weight: 600; color: light-dark(#fff, #0c1216); background: var(--accent); border: 0;
  border-radius: .35rem; padding: .55rem 1.1rem; min-height: 2.75rem; cursor: pointer; }
button.quiet { background: transparent; color: var(--ink); border: 1px solid var(--line); }
button.bad { background: transparent; color: var(--bad); border: 1px solid currentColor; }
.actions { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1rem 0; }
.fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr)); gap: 0 1.25rem; }
.problem { border-left: 3px solid var(--bad); padding: .5rem .9rem; background: var(--panel); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: 0; font-size: .9rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
`;
