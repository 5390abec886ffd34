// Markdown to nodes. Every character of the source ends up in a text node: nothing is parsed as HTML,
// pictures are never fetched, and only addresses of the web become links, with their host beside them.

import { html, useState } from "./vendor/htm-preact.js";
import { visible } from "./format.js";

const MOST = 200000; // characters drawn at once
const BLOCK = 20000; // of one paragraph or code block, before the reader asks for more
const DEEP = 8; // lists and quotes in each other
const SPAN = /(`{1,3})([^`]{1,2000}?)\1|!\[([^\]\n]{0,300})\]\(([^)\s]{0,2000})[^)\n]{0,300}\)|\[([^\]\n]{1,500})\]\(([^)\s]{1,2000})(?:\s[^)\n]{0,300})?\)|<(https?:\/\/[^\s<>]{1,2000})>|(https?:\/\/[^\s<>()[\]"'`]{1,2000})|\*\*([^*\n]{1,2000}?)\*\*|__([^_\n]{1,2000}?)__|~~([^~\n]{1,2000}?)~~|\*([^*\s][^*\n]{0,2000}?)\*|(?<![\w])_([^_\s][^_\n]{0,2000}?)_(?![\w])/g;

export function safeLink(address) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return null;
  }
  if (!["http:", "https:", "mailto:"].includes(url.protocol) || url.username || url.password) return null;
  return url;
}

function Link({ address, label }) {
  const url = safeLink(address);
  if (!url) return html`<span>${visible(label)}${label === address ? "" : ` (${visible(address)})`}</span>`;
  const host = url.protocol === "mailto:" ? url.pathname : url.host;
  const isPlain = label === address;
  return html`<a href=${url.href} target="_blank" rel="noopener noreferrer nofollow" title=${visible(url.href)}><bdi>${visible(label)}</bdi></a>${isPlain ? null : html`<span class="host"> (${visible(host)})</span>`}`;
}

export function spans(text, deep = 0) {
  if (deep > 4) return [visible(text)];
  const found = [];
  let at = 0;
  for (const match of text.matchAll(SPAN)) {
    if (match.index > at) found.push(visible(text.slice(at, match.index)));
    at = match.index + match[0].length;
    const [whole, , code, alt, source, label, target, angled, bare, strong, strong2, struck, soft, soft2] = match;
    if (code !== undefined) found.push(html`<code>${visible(code)}</code>`);
    else if (alt !== undefined) found.push(html`<span class="picture">[picture not loaded: ${visible(alt || source)}]</span>`);
    else if (label !== undefined) found.push(html`<${Link} address=${target} label=${label} />`);
    else if (angled !== undefined) found.push(html`<${Link} address=${angled} label=${angled} />`);
    else if (bare !== undefined) found.push(html`<${Link} address=${bare} label=${bare} />`);
    else if (strong ?? strong2) found.push(html`<strong>${spans(strong ?? strong2, deep + 1)}</strong>`);
    else if (struck) found.push(html`<del>${spans(struck, deep + 1)}</del>`);
    else if (soft ?? soft2) found.push(html`<em>${spans(soft ?? soft2, deep + 1)}</em>`);
    else found.push(visible(whole));
  }
  if (at < text.length) found.push(visible(text.slice(at)));
  return found;
}

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]{0,30})/;
const HEAD = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const QUOTE = /^ {0,3}>\s?(.*)$/;
const TABLE = /^\s*\|?(?:\s*:?-{2,}:?\s*\|)+\s*(?::?-{2,}:?)?\s*\|?\s*$/;

// Lines to blocks: plain values, so that it can be tested by itself.
export function blocks(source, deep = 0) {
  const lines = source.replace(/\r\n?/g, "\n").split("\n");
  const found = [];
  let paragraph = [];
  const front = deep === 0 ? /^---\n([\s\S]{1,4000}?)\n---(?:\n|$)/.exec(source.slice(0, 5000)) : null;
  if (front) {
    found.push({ kind: "code", language: "", text: front[1] });
    lines.splice(0, front[1].split("\n").length + 2);
  }
  const close = () => {
    if (paragraph.length) found.push({ kind: "p", text: paragraph.join("\n") });
    paragraph = [];
  };
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at];
    const short = line.length > 4000 ? line.slice(0, 4000) : line;
    const fence = FENCE.exec(short);
    if (fence) {
      close();
      const code = [];
      at += 1;
      while (at < lines.length && !(lines[at].trimStart().startsWith(fence[1]) && !lines[at].trim().replaceAll(fence[1][0], ""))) code.push(lines[at++]);
      found.push({ kind: "code", language: fence[2], text: code.join("\n") });
      continue;
    }
    if (!short.trim()) {
      close();
      continue;
    }
    const head = HEAD.exec(short);
    if (head) {
      close();
      found.push({ kind: "h", level: head[1].length, text: head[2] });
      continue;
    }
    if (RULE.test(short)) {
      close();
      found.push({ kind: "hr" });
      continue;
    }
    if (QUOTE.test(short) && deep < DEEP) {
      close();
      const quoted = [];
      while (at < lines.length && lines[at].length < 4000 && QUOTE.test(lines[at])) quoted.push(QUOTE.exec(lines[at++])[1]);
      at -= 1;
      found.push({ kind: "quote", blocks: blocks(quoted.join("\n"), deep + 1) });
      continue;
    }
    if (line.length < 4000 && line.includes("|") && at + 1 < lines.length && lines[at + 1].length < 2000 && TABLE.test(lines[at + 1])) {
      close();
      const cells = (row) => row.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
      const header = cells(line);
      const rows = [];
      at += 2;
      while (at < lines.length && lines[at].length < 4000 && lines[at].includes("|") && rows.length < 2000) rows.push(cells(lines[at++]));
      at -= 1;
      found.push({ kind: "table", header, rows });
      continue;
    }
    const item = ITEM.exec(short);
    if (item && deep < DEEP) {
      close();
      const indent = item[1].length;
      const isOrdered = /\d/.test(item[2]);
      const items = [];
      while (at < lines.length) {
        const each = lines[at].length < 4000 ? ITEM.exec(lines[at]) : null;
        if (each && each[1].length <= indent + 1 && /\d/.test(each[2]) === isOrdered) {
          if (each[1].length < indent) break;
          items.push([each[3]]);
        } else if (lines[at].trim() === "") {
          const next = lines[at + 1] ?? "";
          if (!/^\s{2,}\S/.test(next) && !(ITEM.test(next.slice(0, 4000)) && /\d/.test(ITEM.exec(next.slice(0, 4000))[2]) === isOrdered)) break;
          items.at(-1).push("");
        } else if (/^\s{2,}/.test(lines[at]) && lines[at].search(/\S/) > indent) {
          items.at(-1).push(lines[at].slice(Math.min(lines[at].search(/\S/), indent + 2 + (isOrdered ? 1 : 0))));
        } else break;
        at += 1;
      }
      at -= 1;
      const start = isOrdered ? Number.parseInt(item[2], 10) : 1;
      found.push({ kind: "list", isOrdered, start, items: items.map((lines_) => blocks(lines_.join("\n"), deep + 1)) });
      continue;
    }
    paragraph.push(line);
  }
  close();
  return found;
}

// A long text a piece at a time.
function Long({ text, draw }) {
  const [shown, setShown] = useState(BLOCK);
  if (text.length <= shown) return draw(text);
  return html`${draw(text.slice(0, shown))}<button type="button" class="more" onClick=${() => setShown(shown + BLOCK * 5)}>… ${(text.length - shown).toLocaleString()} more characters</button>`;
}

function Block({ block }) {
  switch (block.kind) {
    case "p":
      return html`<${Long} text=${block.text} draw=${(text) => html`<p dir="auto">${spans(text)}</p>`} />`;
    case "code":
      return html`<figure class="code">${block.language ? html`<figcaption>${block.language}</figcaption>` : null}<${Long} text=${block.text} draw=${(text) => html`<pre tabindex="0"><code>${visible(text)}</code></pre>`} /></figure>`;
    case "h": {
      const Tag = `h${Math.min(6, block.level + 2)}`; // the page has its own first two
      return html`<${Tag} dir="auto">${spans(block.text)}</${Tag}>`;
    }
    case "hr":
      return html`<hr />`;
    case "quote":
      return html`<blockquote>${block.blocks.map((each) => html`<${Block} block=${each} />`)}</blockquote>`;
    case "table":
      return html`<div class="wide" tabindex="0"><table><thead><tr>${block.header.map((cell) => html`<th>${spans(cell)}</th>`)}</tr></thead><tbody>${block.rows.map((row) => html`<tr>${row.map((cell) => html`<td>${spans(cell)}</td>`)}</tr>`)}</tbody></table></div>`;
    default: {
      const items = block.items.map((each) => html`<li>${each.map((inner) => (inner.kind === "p" && each.length === 1 ? html`<span dir="auto">${spans(inner.text)}</span>` : html`<${Block} block=${inner} />`))}</li>`);
      return block.isOrdered ? html`<ol start=${block.start}>${items}</ol>` : html`<ul>${items}</ul>`;
    }
  }
}

export function Markdown({ text }) {
  const [most, setMost] = useState(MOST);
  const whole = String(text ?? "");
  return html`<div class="markdown">
    ${blocks(whole.slice(0, most)).map((block, at) => html`<${Block} key=${at} block=${block} />`)}
    ${whole.length > most ? html`<button type="button" class="more" onClick=${() => setMost(most * 2)}>… ${(whole.length - most).toLocaleString()} more characters</button>` : null}
  </div>`;
}
