/** The dashboard's styles; light or dark according to the system setting. */
export const stylesheet = `
:root {
  color-scheme: light dark;
  --back: light-dark(#f6f7f9, #14171c);
  --card: light-dark(#fff, #1d2128);
  --line: light-dark(#e2e5ea, #313742);
  --text: light-dark(#1b2330, #e6e9ef);
  --soft: light-dark(#5d6877, #98a2b3);
  --link: light-dark(#1d5fd1, #7fb0ff);
  --good: light-dark(#12703f, #6fd59b);
  --warn: light-dark(#8a5300, #f0b558);
  --bad: light-dark(#b3261e, #ff8a80);
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; }
body.stale main { opacity: .7; }
#stale, .concerns { background: var(--card); border: 1px solid var(--line); border-left: .3rem solid var(--bad);
  border-radius: .6rem; padding: .75rem 1.25rem; margin: 1rem 0 0; }
.concerns { list-style: none; }
.detail { margin: 0 0 .5rem; }
header { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: baseline; gap: .5rem 1rem; }
h1 { font-size: 1.4rem; margin: 0; }
h2 { font-size: 1rem; margin: 0 0 .75rem; }
nav { display: flex; gap: 1rem; }
a { color: var(--link); text-decoration: none; }
a:hover, a:focus-visible { text-decoration: underline; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.25rem;
  margin-top: 1rem; overflow-x: auto; }
.balance { display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: center; color: var(--soft); margin: 1rem 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .75rem; margin: 0; }
.figures div { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .75rem 1rem; }
.figures dt { color: var(--soft); font-size: .85rem; }
.figures dd { margin: 0; font-size: 1.6rem; font-variant-numeric: tabular-nums; }
.figures .warn dd { color: var(--warn); }
.figures .bad dd { color: var(--bad); }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 500; color: var(--soft); font-size: .85rem; white-space: nowrap; }
th, td { padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); }
td { overflow-wrap: break-word; }
td time, td.number, th { white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.badge { border: 1px solid currentColor; border-radius: 1rem; padding: .05rem .6rem; font-size: .8rem; color: var(--soft); white-space: nowrap; }
.badge.good { color: var(--good); }
.badge.warn { color: var(--warn); }
.badge.bad { color: var(--bad); }
.hint { color: var(--soft); margin: 0; }
code { background: var(--back); border-radius: .3rem; padding: .1rem .35rem; }
`
