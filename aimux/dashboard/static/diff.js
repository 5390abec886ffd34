// Diffs, hunk by hunk. Plus and minus stand in the text, so that colour only repeats them.

import { html, useState } from "./vendor/htm-preact.js";
import { visible } from "./format.js";

const LINES = 400; // of a hunk, before the reader asks for more

// A unified diff as files with hunks: plain values.
export function parseDiff(text) {
  const files = [];
  let file = null;
  let hunk = null;
  let left = { old: 0, new: 0 };
  const begin = () => {
    file = { path: "", from: "", hunks: [], facts: [] };
    files.push(file);
    hunk = null;
  };
  for (const line of String(text ?? "").split("\n")) {
    const isInside = hunk && (left.old > 0 || left.new > 0);
    if (!isInside && line.startsWith("diff --git ")) {
      begin();
      file.path = / b\/(.+)$/.exec(line)?.[1] ?? line.slice(11);
    } else if (!isInside && line.startsWith("--- ")) {
      if (!file || file.hunks.length || file.from) begin();
      file.from = line.slice(4).replace(/^a\//, "").split("\t")[0];
    } else if (!isInside && line.startsWith("+++ ")) {
      const to = line.slice(4).replace(/^b\//, "").split("\t")[0];
      if (file) file.path = to === "/dev/null" ? file.from : to;
      if (file && to === "/dev/null") file.facts.push("deleted");
      if (file && file.from === "/dev/null") file.facts.push("new");
    } else if (!isInside && line.startsWith("@@")) {
      const head = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)$/.exec(line);
      if (!file) begin();
      hunk = { head: line, old: Number(head?.[1] ?? 1), new: Number(head?.[3] ?? 1), title: head?.[5]?.trim() ?? "", lines: [] };
      left = { old: Number(head?.[2] ?? 1), new: Number(head?.[4] ?? 1) };
      file.hunks.push(hunk);
    } else if (hunk) {
      const sign = line[0] ?? "";
      if (sign === "+") left.new -= 1;
      else if (sign === "-") left.old -= 1;
      else if (sign === " " || (line === "" && isInside)) {
        left.old -= 1;
        left.new -= 1;
      } else if (sign !== "\\") continue;
      hunk.lines.push(line === "" ? " " : line);
    } else if (file && /^(rename|new file|deleted|similarity|Binary)/.test(line)) file.facts.push(line);
  }
  return files.filter((each) => each.hunks.length || each.facts.length);
}

const VERDICTS = { approved: "✓ approved", modified: "◐ modified", changes_requested: "✗ changes requested" };

function Hunk({ hunk, number, verdict }) {
  const [most, setMost] = useState(LINES);
  const [isOpen, setOpen] = useState(true);
  let before = hunk.old;
  let after = hunk.new;
  const rows = hunk.lines.slice(0, most).map((line, at) => {
    const sign = line[0];
    const shown = [sign === "+" || sign === "\\" ? "" : before, sign === "-" || sign === "\\" ? "" : after];
    if (sign !== "+" && sign !== "\\") before += 1;
    if (sign !== "-" && sign !== "\\") after += 1;
    const kind = sign === "+" ? "added" : sign === "-" ? "removed" : "same";
    return html`<tr key=${at} class=${kind}><td class="no">${shown[0]}</td><td class="no">${shown[1]}</td><td class="sign">${sign === " " ? "" : sign}</td><td class="text"><code>${visible(line.slice(1, 2000))}</code></td></tr>`;
  });
  const added = hunk.lines.filter((line) => line[0] === "+").length;
  const removed = hunk.lines.filter((line) => line[0] === "-").length;
  return html`<section class="hunk">
    <button type="button" class="hunk-head" aria-expanded=${String(isOpen)} onClick=${() => setOpen(!isOpen)}>${isOpen ? "▾" : "▸"} hunk ${number} <span class="dim">${visible(hunk.head.slice(0, 200))}</span> <span class="nowrap">+${added} −${removed}</span>${verdict ? html` <b class=${`verdict ${verdict.verdict}`}>${VERDICTS[verdict.verdict] ?? visible(verdict.verdict)}</b>` : null}</button>
    ${verdict?.comment ? html`<p class="comment"><bdi>${visible(verdict.comment)}</bdi>${verdict.contested ? html` <b>contested</b>` : null}</p>` : null}
    ${isOpen ? html`<div class="wide" tabindex="0"><table class="diff"><tbody>${rows}</tbody></table></div>` : null}
    ${isOpen && hunk.lines.length > most ? html`<button type="button" class="more" onClick=${() => setMost(most * 4)}>… ${hunk.lines.length - most} more lines</button>` : null}
  </section>`;
}

// `verdicts` are a reviewer's, by the number of the hunk in the whole diff.
export function Diff({ text, verdicts = [] }) {
  const files = parseDiff(text);
  if (!files.length) return text ? html`<pre class="raw">${visible(String(text).slice(0, 20000))}</pre>` : null;
  let number = -1;
  return html`<div class="diffs">${files.map((file, at) => html`<article key=${at} class="file">
    <h4><bdi>${visible(file.path)}</bdi> <span class="dim">${visible(file.facts.join(", "))}</span></h4>
    ${file.hunks.map((hunk) => {
      number += 1;
      const own = number;
      return html`<${Hunk} key=${own} hunk=${hunk} number=${own} verdict=${verdicts.find((each) => each.hunk === own)} />`;
    })}
  </article>`)}</div>`;
}
