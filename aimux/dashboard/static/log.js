// The log of one job: any length, a window of it in memory, the newest lines as they come.

import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { ask } from "./api.js";
import { clock, isOpen, oneLine, plural, visible } from "./format.js";
import { store } from "./store.js";
import { FaultNote, VirtualList } from "./ui.js";

const CHUNK = 500; // entries asked for at once
const KEPT = 24; // chunks in memory
const SEARCH_MOST = 5000; // hits
const TAIL_CHARS = 60000;
const SLOW_MS = 5000; // an expression that takes longer on one piece is given up
const BEGIN_MS = 30000; // for the worker to start on a machine that has much to do
const ROW = 22;

const KINDS = {
  text: "says", message: "answer", reasoning: "thinks", tool_use: "tool", file_change: "file", noise: "noise",
  warning: "warning", note: "note", usage: "usage", turn_started: "started", turn_finished: "answered",
  turn_failed: "failed", attempt_failed: "attempt failed", job_finished: "ended", job_started: "begins",
  job_queued: "queued", turn_queued: "queued", child_started: "process", child_exited: "process", native_session: "session",
};

// Pieces of a log by number; what is not there yet is asked for when it comes into sight.
class LogWindow {
  chunks = new Map();
  asked = new Set();
  last = 0;
  constructor(job, tell) {
    this.job = job;
    this.tell = tell;
  }
  get(index) {
    return this.chunks.get(Math.floor(index / CHUNK))?.[index % CHUNK];
  }
  take(entries) {
    for (const entry of entries) {
      const index = entry.seq - 1;
      const at = Math.floor(index / CHUNK);
      let chunk = this.chunks.get(at);
      if (!chunk) this.chunks.set(at, (chunk = []));
      chunk[index % CHUNK] = entry;
      this.last = Math.max(this.last, entry.seq);
    }
  }
  async see(first, last) {
    for (let at = Math.floor(first / CHUNK); at <= Math.floor(Math.max(first, last - 1) / CHUNK); at += 1) {
      const chunk = this.chunks.get(at);
      if (chunk) {
        this.chunks.delete(at); // the newest use stands last
        this.chunks.set(at, chunk);
      }
      const size = Math.min(CHUNK, this.last - at * CHUNK);
      const isWhole = chunk && chunk.isWhole;
      if (isWhole || this.asked.has(at) || size <= 0) continue;
      this.asked.add(at);
      try {
        const body = await ask("entries", { job: this.job, after: at * CHUNK, limit: CHUNK });
        this.take(body.entries);
        const got = this.chunks.get(at);
        if (got && size === CHUNK) got.isWhole = true;
        while (this.chunks.size > KEPT) this.chunks.delete(this.chunks.keys().next().value);
        this.tell();
      } catch {
        // it is asked for again when it comes into sight
      } finally {
        this.asked.delete(at);
      }
    }
  }
}

function Line({ entry, index, place, isHit, onOpen }) {
  if (!entry) return html`<div class="log-row waits" style=${place} key=${index}><span class="log-no">${index + 1}</span><span class="dim">…</span></div>`;
  const text = entry.name ? `${entry.name} ${entry.status}${entry.text ? `: ${entry.text}` : ""}` : entry.text;
  return html`<div class=${`log-row kind-${entry.kind} ${isHit ? "is-hit" : ""}`} style=${place} key=${index} role="listitem">
    <button type="button" class="log-no" title=${`${clock(entry.at)}, show the whole entry`} onClick=${() => onOpen(entry)}>${entry.seq}</button>
    <span class="log-at dim">${entry.offset.toFixed(1)}</span>
    <span class="log-kind">${entry.turn ? `${entry.turn} ` : ""}${KINDS[entry.kind] ?? entry.kind}</span>
    <bdi class="clip">${oneLine(text, 500)}${entry.cut ? html`<span class="dim"> … ${entry.cut.toLocaleString()} more characters</span>` : null}</bdi>
  </div>`;
}

function Whole({ job, entry, onClose }) {
  const [state, setState] = useState({ whole: null, fault: null });
  const [shown, setShown] = useState(20000);
  const box = useRef(null);
  useEffect(() => {
    box.current?.focus();
    ask("entry", { job, seq: entry.seq }).then((whole) => setState({ whole, fault: null })).catch((fault) => setState({ whole: null, fault }));
  }, [entry.seq]);
  const text = state.whole?.text ?? entry.text;
  return html`<aside class="whole" ref=${box} tabindex="-1" aria-label=${`Entry ${entry.seq}`} onKeyDown=${(event) => event.key === "Escape" && onClose()}>
    <header><b>${entry.seq}</b> ${KINDS[entry.kind] ?? entry.kind} <span class="dim">${clock(entry.at)}${entry.turn ? `, turn ${entry.turn}` : ""}</span><button type="button" class="push" onClick=${onClose}>Close</button></header>
    <${FaultNote} fault=${state.fault} />
    ${entry.argv ? html`<pre>${visible(entry.argv.join(" ").slice(0, 4000))}</pre>` : null}
    <pre dir="auto" tabindex="0">${visible(text.slice(0, shown))}</pre>
    ${text.length > shown ? html`<button type="button" class="more" onClick=${() => setShown(shown * 4)}>… ${(text.length - shown).toLocaleString()} more characters</button>` : null}
    ${state.whole?.cut ? html`<p class="dim">${state.whole.cut.toLocaleString()} more characters are kept; aimux show has them</p>` : null}
  </aside>`;
}

// Search runs beside the page, so that an expression that never ends can be ended.
const policy = globalThis.trustedTypes?.createPolicy("aimux", { createScriptURL: (address) => (address === "search" ? new URL("search.js", location.href.split("#")[0]).href : "") });
const startWorker = () => new Worker(policy ? policy.createScriptURL("search") : "search.js");

async function search({ job, last, text, isExpression, isStopped, onHits }) {
  const worker = startWorker();
  const run = (message, most = SLOW_MS) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("this expression takes too long: make it simpler")), most);
      worker.onmessage = ({ data }) => {
        clearTimeout(timer);
        if (data.fault) reject(new Error(data.fault));
        else resolve(data.hits);
      };
      worker.postMessage(message);
    });
  let found = 0;
  try {
    await run({ begin: text, isExpression }, BEGIN_MS);
    const piece = (after) => (after < last ? ask("entries", { job, after, limit: 2000 }) : null);
    let next = piece(0);
    for (let after = 0; after < last && found < SEARCH_MOST && !isStopped(); after += 2000) {
      const { entries } = await next;
      next = piece(after + 2000); // is on its way while this one is searched
      next?.catch(() => {});
      const hits = await run({ lines: entries.map((entry) => [entry.seq, `${entry.name ?? ""} ${entry.text}`]) });
      found += hits.length;
      onHits(hits, Math.min(last, after + 2000));
      if (!entries.length) break;
    }
  } finally {
    worker.terminate();
  }
}

export function Log({ row }) {
  const [, draw] = useState(0);
  const log = useRef(null);
  if (log.current?.job !== row.id) log.current = new LogWindow(row.id, () => draw((before) => before + 1));
  const pieces = log.current;
  pieces.last = Math.max(pieces.last, isOpen(row) ? 0 : row.events);
  const [isFollowing, setFollowing] = useState(isOpen(row));
  const [opened, setOpened] = useState(null);
  const [jumpTo, setJumpTo] = useState(null);
  const [text, setText] = useState("");
  const [isExpression, setExpression] = useState(false);
  const [found, setFound] = useState(null);
  const [tail, setTail] = useState("");
  const running = useRef(0);
  const hasPieces = useRef(false);

  useEffect(() => store.onEntries((body) => {
    if (body.job !== row.id) return;
    pieces.take(body.entries);
    // some CLIs say it piece by piece, some message by message, some both
    const pieces_ = body.entries.filter((entry) => entry.kind === "text");
    hasPieces.current ||= pieces_.length > 0;
    const heard = hasPieces.current ? pieces_ : body.entries.filter((entry) => entry.kind === "message");
    const said = heard.map((entry) => entry.text + (entry.kind === "message" ? "\n" : "")).join("");
    if (said) setTail((before) => (before + said).slice(-TAIL_CHARS));
    draw((before) => before + 1);
  }), [row.id]);

  const find = async (event) => {
    event?.preventDefault();
    running.current += 1;
    const own = running.current;
    if (!text) {
      setFound(null);
      return;
    }
    const hits = [];
    setFound({ hits, at: 0, upTo: 0, fault: null, isOver: false });
    let fault = null;
    try {
      await search({
        job: row.id, last: Math.max(pieces.last, row.events), text, isExpression, isStopped: () => running.current !== own,
        onHits: (more, upTo) => {
          if (running.current !== own) return;
          const isFirst = !hits.length && more.length;
          for (const hit of more) hits.push(hit);
          setFound((before) => ({ ...before, hits, upTo }));
          if (isFirst) go(hits, 0);
        },
      });
    } catch (error) {
      fault = error;
    }
    if (running.current === own) setFound((before) => before && { ...before, fault, isOver: true });
  };
  const go = (hits, to) => {
    const at = (to + hits.length) % hits.length;
    setFollowing(false);
    setFound((before) => before && { ...before, at });
    setJumpTo({ index: hits[at] - 1, isCentred: true });
  };
  const hits = found?.hits ?? [];
  const hitSet = useRef(new Set());
  hitSet.current = hits.length === hitSet.current.size ? hitSet.current : new Set(hits);

  return html`<div class="log">
    <form class="toolbar" role="search" onSubmit=${find}>
      <input type="search" id="log-search" aria-label="Search in this log" placeholder=${isExpression ? "Regular expression" : "Search text"} value=${text} onInput=${(event) => setText(event.target.value)} />
      <label class="nowrap"><input type="checkbox" checked=${isExpression} onChange=${(event) => setExpression(event.target.checked)} /> expression</label>
      <button type="submit">Search</button>
      ${found ? html`<span class="nowrap" role="status">${hits.length ? `${found.at + 1} of ${hits.length}${hits.length >= SEARCH_MOST ? "+" : ""}` : found.isOver ? "nothing found" : ""}${found.isOver ? "" : ` searching ${found.upTo}…`}</span>
        <button type="button" disabled=${!hits.length} aria-label="Hit before" onClick=${() => go(hits, found.at - 1)}>↑</button><button type="button" disabled=${!hits.length} aria-label="Next hit" onClick=${() => go(hits, found.at + 1)}>↓</button>` : null}
      <span class="push dim nowrap">${plural(pieces.last, "event")}</span>
      <label class="nowrap"><input type="checkbox" checked=${isFollowing} onChange=${(event) => setFollowing(event.target.checked)} /> follow</label>
    </form>
    ${found?.fault ? html`<${FaultNote} fault=${found.fault} />` : null}
    ${isOpen(row) && tail ? html`<details class="tail" open><summary>Live text</summary><pre dir="auto" tabindex="0" aria-label="What is being said">${visible(tail.slice(-4000))}</pre></details>` : null}
    <div class="log-body">
      <${VirtualList} count=${pieces.last} rowHeight=${ROW} label="Events" className="events" isFollowing=${isFollowing} onFollow=${(isAtEnd) => setFollowing(isAtEnd && isOpen(row))} jumpTo=${jumpTo}
        onSight=${(first, last) => pieces.see(first, last)}
        draw=${(index, place) => html`<${Line} key=${index} entry=${pieces.get(index)} index=${index} place=${place} isHit=${hitSet.current.has(index + 1)} onOpen=${setOpened} />`} />
      ${opened ? html`<${Whole} job=${row.id} entry=${opened} onClose=${() => setOpened(null)} />` : null}
    </div>
  </div>`;
}
