#include "node/html_assets.hpp"

namespace freehold::node::html {

// A changed script needs a new hash: the browser's console says which one, and
// tests/integration/report fails until it is here.
const char* const head =
    R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="
default-src 'none'; img-src data:; style-src 'unsafe-inline';
script-src 'sha256-mq5kACWCMj5Vxo7X+HWMEPjOn53E3mOYpKFwSkqOC7Q=';
base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>The market by neighborhood</title>
<style>
:root {
  --page: #f3f5f8; --card: #ffffff; --text: #1a2027; --quiet: #56616d;
  --rule: #d8dee5; --line: #0b5cad; --bar: #0b5cad26; --hit: #0b5cad14;
  --up: #b4460a; --down: #0b6e62; --focus: #0b5cad;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #0e1216; --card: #171d24; --text: #e6ebf0; --quiet: #9aa7b4;
    --rule: #2d3742; --line: #6cb4ff; --bar: #6cb4ff33; --hit: #6cb4ff1f;
    --up: #ffa566; --down: #5fd3c2; --focus: #6cb4ff;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { scroll-padding-top: 4.5rem; }
body {
  margin: 0 auto; padding: 1.25rem; max-width: 90rem;
  background: var(--page); color: var(--text);
  font: 1rem/1.45 system-ui, sans-serif; font-variant-numeric: tabular-nums;
}
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0; }
h2 { font-size: 1.2rem; margin: 1.75rem 0 .75rem; }
h3 { font-size: 1.1rem; margin: 0; overflow-wrap: anywhere; }
.top p, article header p, .rule, dt { color: var(--quiet); margin: 0; }
a { color: var(--line); }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
.tiles {
  display: grid; gap: .75rem; margin: 0 0 .75rem;
  grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr));
}
.tile, article, .pair > div, .about, .nothing {
  background: var(--card); border: 1px solid var(--rule);
  border-radius: .6rem; padding: .8rem .9rem;
}
.tile { display: flex; flex-direction: column-reverse; }
.tile { justify-content: flex-end; }
dd { margin: 0; font-size: 1.5rem; font-weight: 600; line-height: 1.25; }
dt { font-size: .85rem; }
.pair, .cards { display: grid; gap: .75rem; align-items: start; }
.pair {
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr));
}
.cards {
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 23rem), 1fr));
}
.pair > div, article { min-width: 0; }
.about { margin: .75rem 0 0; }
.about p { margin: .6rem 0 0; max-width: 62rem; }
article header {
  display: flex; flex-wrap: wrap; justify-content: space-between;
  align-items: baseline; gap: 0 1rem;
}
.rule { font-size: .85rem; }
figure { margin: 0; max-width: 40rem; }
figcaption, caption { font-weight: 600; text-align: left; }
caption { padding-bottom: .25rem; }
details { margin-top: .4rem; }
summary { cursor: pointer; padding: .15rem 0; color: var(--line); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .8rem; }
th, td {
  padding: .25rem .5rem .25rem 0; text-align: right; white-space: nowrap;
  border-top: 1px solid var(--rule); font-weight: 400;
}
thead th { border-top: 0; color: var(--quiet); }
th:first-child { text-align: left; }
th:last-child, td:last-child { padding-right: 0; }
.tools {
  position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap;
  gap: .4rem .75rem; align-items: center; padding: .6rem 0;
  background: var(--page);
}
.tools input, .tools button {
  font: inherit; color: inherit; background: var(--card);
  border: 1px solid var(--quiet); border-radius: .4rem; padding: .35rem .6rem;
}
.tools input { width: 9rem; }
.tools output { color: var(--quiet); }
svg { display: block; width: 100%; height: auto; margin: .3rem 0; }
.grid { stroke: var(--rule); fill: none; }
.tick { fill: var(--quiet); font-size: 11px; }
.line { fill: none; stroke: var(--line); stroke-width: 1.8; }
.line { stroke-linejoin: round; pointer-events: none; }
.point { fill: var(--line); }
.bar { fill: var(--bar); }
.hit { fill: transparent; }
.w:hover .hit { fill: var(--hit); }
.w:hover .point { stroke: var(--line); stroke-width: 3; }
.mark { stroke: var(--card); stroke-width: .8; }
.up { fill: var(--up); color: var(--up); }
.down { fill: var(--down); color: var(--down); }
.mark:hover { stroke: var(--text); }
article svg { max-width: 32rem; }
@media screen and (min-width: 52rem) {
  article:has(details[open]) { grid-column: span 2; }
}
@media print {
  body { padding: 0; font-size: 9.5pt; background: none; }
  .tools { display: none !important; }
  figure { max-width: 24rem; }
  .cards { grid-template-columns: 1fr 1fr; }
  article, .tile, tr, figure { break-inside: avoid; }
  h2 { break-after: avoid; }
  article:has(details[open]) { grid-column: 1 / -1; break-inside: auto; }
  details:not([open]) { display: none; }
  .scroll { overflow: visible; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
</style>
</head>
)";

const char* const explanation = R"(<details class="about">
<summary>What the curves and marks say</summary>
<p>A point is the average price of a window of 30 days, a bar its number of
sales; the curve has a gap where a window has none. The first and the last
window may be cut short by the data. With few sales an average says little.</p>
<p>A triangle is a sale whose price per square foot is far from its
neighborhood&#8217;s of the 30 days before, measured by the spread there:
<span class="up">&#9650;</span> above, <span class="down">&#9660;</span> below
what was expected for the area. It stands at the day of the sale; its price is
in its title and in the table.</p>
<p>The other rule counts the sales that are more than so many percent off the
neighborhood&#8217;s average price of the 30 days before, whatever the
home.</p>
</details>
)";

const char* const tools = R"(<div class="tools" id="tools" hidden>
<label for="zip">ZIP code</label>
<input id="zip" type="search" autocomplete="off" spellcheck="false">
<output id="shown" for="zip" aria-live="polite"></output>
<button id="tables" type="button" aria-pressed="false">Show all tables</button>
</div>
)";

const char* const script = R"(<script>
"use strict";
(() => {
  const field = document.getElementById("zip");
  if (!field) return;
  const cards = [...document.querySelectorAll("article[data-zip]")];
  const shown = document.getElementById("shown");
  const filter = () => {
    const text = field.value.trim().toLowerCase();
    let count = 0;
    for (const card of cards) {
      card.hidden = !card.dataset.zip.toLowerCase().includes(text);
      if (!card.hidden) ++count;
    }
    shown.textContent = `${count} of ${cards.length} neighborhoods`;
  };
  field.addEventListener("input", filter);
  // A link may lead to a card that the filter hides.
  for (const link of document.querySelectorAll('a[href^="#"]'))
    link.addEventListener("click", () => { field.value = ""; filter(); });
  const tables = document.getElementById("tables");
  tables.addEventListener("click", () => {
    const open = tables.getAttribute("aria-pressed") === "false";
    tables.setAttribute("aria-pressed", String(open));
    tables.textContent = open ? "Hide all tables" : "Show all tables";
    for (const each of document.querySelectorAll("article details"))
      each.open = open;
  });
  document.getElementById("tools").hidden = false;
  filter();
})();
</script>
)";

} // namespace freehold::node::html
