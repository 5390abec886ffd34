// What waits for me, what works, and all jobs as a tree.

import { html, useEffect, useMemo, useRef, useState } from "./vendor/htm-preact.js";
import { ask } from "./api.js";
import { Answer, cancel, canRetry, kill, retry, Sure } from "./actions.js";
import { ago, isApproval, isOpen, oneLine, plural, STATES, took, visible } from "./format.js";
import { store } from "./store.js";
import { jobPath, Status, useNow, useStore, VirtualList } from "./ui.js";
import { JobBar, Mark, TurnBar } from "./waterfall.js";

const what = (row) => [row.tool, row.role].filter(Boolean).join(" · ");
const who = (row) => oneLine([row.cli, row.model].filter(Boolean).join(" "), 60);

function Card({ row, children }) {
  return html`<article class=${`card tone-edge-${STATES[row.status]?.tone}`}>
    <header><${Status} status=${row.status} /> <a href=${jobPath(row.id)}><b>${what(row)}</b></a> <span class="dim">${who(row)}</span> <span class="dim push">${ago(row.finished ?? row.created, store.now())}</span></header>
    <p class="prompt"><bdi>${oneLine(row.prompt)}</bdi></p>
    ${children}
  </article>`;
}

function FirstCause({ row }) {
  const cause = [...store.marks(row.id)].find(([, mark]) => mark === "cause")?.[0];
  const at = cause && cause !== row.id ? store.jobs.get(cause) : row;
  const error = at?.error ?? row.error;
  return html`<p class="why">${cause && cause !== row.id ? html`<${Mark} mark="cause" /> <a href=${jobPath(cause)}>${what(at)}</a>: ` : null}<bdi>${error ? `${error.class ?? ""}: ${oneLine(error.message, 400)}` : "no reason was given"}</bdi>${error?.hint ? html`<span class="hint"> ${visible(error.hint)}</span>` : null}</p>`;
}

export function Waiting() {
  useStore();
  const { questions, failed, paused } = store.waiting();
  const working = store.working();
  const now = useNow(working.length > 0);
  const approvals = questions.filter((row) => isApproval(row.questions[0].text));
  const asks = questions.filter((row) => !isApproval(row.questions[0].text));
  const total = questions.length + failed.length + paused.length;
  const group = (title, rows, draw) => (rows.length ? html`<section><h2>${title} <span class="count">${rows.length}</span></h2>${rows.slice(0, 100).map(draw)}${rows.length > 100 ? html`<p class="plain">and ${rows.length - 100} more under <a href="#/jobs">Jobs</a></p>` : null}</section>` : null);
  const asked = (row) => html`<${Card} key=${row.id} row=${row}>${row.questions.map((question) => html`<${Answer} key=${question.number} row=${row} question=${question} />`)}</${Card}>`;
  return html`<div class="view narrow">
    <h1>Waiting for you</h1>
    ${total ? null : html`<p class="plain">✓ Nothing waits for you.</p>`}
    ${group("Approvals", approvals, asked)}
    ${group("Questions", asks, asked)}
    ${group("Paused", paused, (row) => html`<${Card} key=${row.id} row=${row}>
      <p class="why">${row.state === "needs_human" ? "A change needs your decision." : html`It can go on from step <code>${visible(row.resumable_from)}</code>: send its call again with <code>resume_from="${row.id}"</code>.`}</p>
      <div class="line"><a class="button" href=${jobPath(row.id)}>Look</a><button type="button" onClick=${() => store.see([row.id])}>Seen</button></div>
    </${Card}>`)}
    ${failed.length ? html`<section><h2>Failed <span class="count">${failed.length}</span> <button type="button" class="small" onClick=${() => store.see(failed.map((row) => row.id))}>All seen</button></h2>
      ${failed.slice(0, 50).map((row) => html`<${Card} key=${row.id} row=${row}>
        <${FirstCause} row=${row} />
        <div class="line"><a class="button" href=${jobPath(row.id)}>Look</a>${canRetry(row) ? html`<button type="button" onClick=${() => retry([row.id])}>Retry</button>` : null}<button type="button" onClick=${() => store.see([row.id])}>Seen</button></div>
      </${Card}>`)}
      ${failed.length > 50 ? html`<p class="plain">and ${failed.length - 50} more under <a href="#/jobs">Jobs</a></p>` : null}
    </section>` : null}
    <section class="working"><h2>At work <span class="count">${working.length}</span></h2>
      ${working.length ? null : html`<p class="plain">No job runs.</p>`}
      ${working.slice(0, 50).map((row) => html`<a class="work-row" key=${row.id} href=${jobPath(row.id)}>
        <${Status} status=${row.status} isShort=${true} /><b>${what(row)}</b><bdi class="clip">${oneLine(row.prompt, 120)}</bdi><span class="dim nowrap">${row.position ? `number ${row.position} in the queue` : `${who(row)} · ${quiet(row, now)}`}</span><span class="nowrap">${took(now - (row.started ?? row.created))}</span></a>`)}
    </section>
  </div>`;
}

const quiet = (row, now) => {
  const silent = now - (row.last_event_at ?? now);
  return silent > 30000 ? `silent for ${took(silent)}` : row.last_event ?? "starting";
};

// ---------------------------------------------------------------------------------- the tree

const matches = (row, words, status) => {
  if (status && row.status !== status) return false;
  if (!words.length) return true;
  const text = `${row.id} ${row.tool} ${row.role ?? ""} ${row.cli ?? ""} ${row.model ?? ""} ${row.status} ${row.prompt ?? ""} ${row.cwd ?? ""}`.toLowerCase();
  return words.every((word) => text.includes(word));
};

// The rows in sight order: jobs, the jobs below them, and the turns of those that were opened.
function flat(words, status, opened, closed, timelines) {
  const found = [];
  const isFiltered = words.length > 0 || Boolean(status);
  const add = (id, depth, root) => {
    const row = store.jobs.get(id);
    if (!row || depth > 50) return;
    const below = store.below(id);
    found.push({ kind: "job", row, depth, root, below: below.length });
    if (opened.has(id)) for (const turn of timelines.get(id)?.turns ?? []) found.push({ kind: "turn", turn, row, root, depth: depth + 1 });
    if (!closed.has(id)) for (const each of below) add(each, depth + 1, root);
  };
  for (const id of store.tree()) {
    if (isFiltered && !store.family(id).some((each) => matches(store.jobs.get(each), words, status))) continue;
    add(id, 0, store.jobs.get(id));
  }
  return found;
}

export function Jobs() {
  useStore();
  const [text, setText] = useState("");
  const [status, setStatus] = useState("");
  const [opened, setOpened] = useState(() => new Set());
  const [closed, setClosed] = useState(() => new Set());
  const [timelines, setTimelines] = useState(() => new Map());
  const [chosen, setChosen] = useState(() => new Set());
  const [at, setAt] = useState(0);
  const [jumpTo, setJumpTo] = useState(null);
  const filter = useRef(null);
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = useMemo(() => flat(words, status, opened, closed, timelines), [store.version, text, status, opened, closed, timelines]);
  const now = useNow(rows.some(({ row }) => isOpen(row)), 500);

  // from what is so then, not now: several may be clicked before the next drawing
  const toggle = (tell, id) =>
    tell((before) => {
      const next = new Set(before);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  const open = async (id) => {
    toggle(setOpened, id);
    if (opened.has(id)) return;
    try {
      const timeline = await ask("timeline", { job: id });
      setTimelines((before) => new Map(before).set(id, timeline));
    } catch {
      toggle(setOpened, id);
    }
  };
  // what is open and runs is asked for again while it changes
  useEffect(() => {
    const live = [...opened].filter((id) => store.jobs.has(id) && isOpen(store.jobs.get(id)));
    if (!live.length) return undefined;
    const timer = setInterval(async () => {
      for (const id of live) {
        const timeline = await ask("timeline", { job: id }).catch(() => null);
        if (timeline) setTimelines((before) => new Map(before).set(id, timeline));
      }
    }, 2000);
    return () => clearInterval(timer);
  }, [opened, store.version]);

  const picked = [...chosen].filter((id) => store.jobs.has(id)).map((id) => store.jobs.get(id));
  const running = picked.filter(isOpen);
  const again = picked.filter(canRetry);
  const done = () => setChosen(new Set());

  const onKey = (event) => {
    if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = rows[at];
    const go = (to) => {
      const next = Math.max(0, Math.min(rows.length - 1, to));
      setAt(next);
      setJumpTo({ index: next });
    };
    const does = {
      j: () => go(at + 1),
      ArrowDown: () => go(at + 1),
      k: () => go(at - 1),
      ArrowUp: () => go(at - 1),
      Home: () => go(0),
      End: () => go(rows.length - 1),
      PageDown: () => go(at + 15),
      PageUp: () => go(at - 15),
      Enter: () => row && (location.hash = jobPath(row.row.id)),
      x: () => row && toggle(setChosen, row.row.id),
      ArrowRight: () => row?.kind === "job" && (closed.has(row.row.id) ? toggle(setClosed, row.row.id) : opened.has(row.row.id) || open(row.row.id)),
      ArrowLeft: () => row?.kind === "job" && (opened.has(row.row.id) ? toggle(setOpened, row.row.id) : row.below && !closed.has(row.row.id) && toggle(setClosed, row.row.id)),
    }[event.key];
    if (!does || (event.key === "Enter" && event.target.matches("a, button"))) return;
    event.preventDefault();
    does();
  };

  const draw = (index, place) => {
    const line = rows[index];
    if (line.kind === "turn") return html`<${TurnLine} key=${`${line.row.id}/${line.turn.turn}`} line=${line} place=${place} isAt=${index === at} now=${now} />`;
    const { row, depth, root, below } = line;
    const mark = depth || below ? store.marks(root.id).get(row.id) : undefined;
    return html`<div key=${row.id} class=${`job-row ${index === at ? "is-at" : ""}`} style=${place} role="row" aria-level=${depth + 1} aria-selected=${String(chosen.has(row.id))} onClick=${() => setAt(index)}>
      <input type="checkbox" aria-label=${`Choose ${row.id}`} checked=${chosen.has(row.id)} onChange=${() => toggle(setChosen, row.id)} />
      <span class="cell-status"><${Status} status=${row.status} /></span>
      <span class="cell-what clip" style=${{ paddingInlineStart: `${Math.min(depth, 8) * 14}px` }}>
        <button type="button" class="fold" aria-expanded=${String(opened.has(row.id))} aria-label="Turns of this job" title="turns and attempts" onClick=${() => open(row.id)}>${opened.has(row.id) ? "▾" : "▸"}</button>
        <a href=${jobPath(row.id)}><b>${what(row)}</b></a>${below ? html` <button type="button" class="fold" aria-expanded=${String(!closed.has(row.id))} title="jobs below" onClick=${() => toggle(setClosed, row.id)}>${closed.has(row.id) ? `+${below}` : `−${below}`}</button>` : null}
        <${Mark} mark=${mark} />
        ${row.questions?.length ? html`<span class="asks">? asks</span>` : null}
        <bdi class="dim">${oneLine(row.prompt, 160)}</bdi>
      </span>
      <span class="cell-who clip dim">${who(row)}</span>
      <span class="cell-bar"><${JobBar} row=${row} root=${root} now=${now} /></span>
      <span class="cell-took nowrap">${row.duration_ms != null ? took(row.duration_ms) : isOpen(row) ? took(now - (row.started ?? row.created)) : ""}</span>
      <span class="cell-age nowrap dim">${ago(row.created, now)}</span>
    </div>`;
  };

  return html`<div class="view full" onKeyDown=${onKey}>
    <div class="toolbar">
      <h1>Jobs</h1>
      <input ref=${filter} id="filter" type="search" placeholder="Filter: words of prompt, tool, CLI, id" aria-label="Filter jobs" value=${text} onInput=${(event) => { setText(event.target.value); setAt(0); }} />
      <select aria-label="State" value=${status} onChange=${(event) => { setStatus(event.target.value); setAt(0); }}>
        <option value="">all states</option>
        ${Object.entries(STATES).map(([name, state]) => html`<option value=${name}>${state.mark} ${state.word}${store.totals[name] ? ` (${store.totals[name]})` : ""}</option>`)}
      </select>
      <span class="dim nowrap">${plural(store.jobs.size, "job")}${store.isLoading ? ", loading…" : ""}</span>
      ${store.older && !store.isLoading ? html`<button type="button" onClick=${() => store.loadOlder()}>Older jobs</button>` : null}
    </div>
    ${picked.length ? html`<div class="toolbar chosen" role="toolbar" aria-label="Chosen jobs">
      <b>${plural(picked.length, "job")} chosen</b>
      <${Sure} text=${`Cancel ${running.length}`} sure=${`Really cancel ${running.length}?`} isDisabled=${!running.length} onSure=${() => cancel(running.map((row) => row.id)).then(done)} />
      <${Sure} text=${`Kill ${running.length}`} sure=${`Really kill ${running.length}?`} isDisabled=${!running.length} onSure=${() => kill(running.map((row) => row.id)).then(done)} />
      <button type="button" disabled=${!again.length} title="exec and background jobs that have ended" onClick=${() => retry(again.map((row) => row.id)).then(done)}>Retry ${again.length}</button>
      <button type="button" onClick=${() => { store.see(picked.map((row) => row.id)); done(); }}>Mark as seen</button>
      <button type="button" onClick=${done}>Choose none</button>
    </div>` : null}
    <div class="job-row job-head" aria-hidden="true"><span></span><span class="cell-status">state</span><span class="cell-what">job</span><span class="cell-who">CLI, model</span><span class="cell-bar">waited ▨ ran ▬</span><span class="cell-took">took</span><span class="cell-age">age</span></div>
    ${rows.length
      ? html`<${VirtualList} count=${rows.length} rowHeight=${36} draw=${draw} label="Jobs" role="treegrid" jumpTo=${jumpTo} className="jobs" />`
      : html`<p class="plain">${store.jobs.size ? "No job matches." : "No job yet. Start one: aimux run \"…\", or let an editor or agent call aimux."}</p>`}
  </div>`;
}

function TurnLine({ line, place, isAt, now }) {
  const { turn, row, root, depth } = line;
  const last = turn.attempts[turn.attempts.length - 1];
  const begin = turn.attempts[0]?.begin ?? turn.queued ?? 0;
  const end = turn.end ?? (store.now() - row.created) / 1000;
  return html`<div class=${`job-row turn-row ${isAt ? "is-at" : ""}`} style=${place} role="row" aria-level=${depth + 1}>
    <span></span><span class="cell-status"><${Status} status=${turn.status} /></span>
    <span class="cell-what clip" style=${{ paddingInlineStart: `${Math.min(depth, 8) * 14 + 10}px` }}>${turn.seat ? html`<b>${oneLine(turn.seat, 40)}</b>` : `turn ${turn.turn}`}${turn.attempts.length > 1 ? html` <span class="dim">${turn.attempts.length} attempts</span>` : null} <${Mark} mark=${turn.mark} /> <bdi class="dim">${turn.error ? oneLine(`${turn.error.class}: ${turn.error.message}`, 160) : ""}</bdi></span>
    <span class="cell-who clip dim">${last ? oneLine(`${last.cli} ${last.model ?? ""}`, 60) : ""}</span>
    <span class="cell-bar"><${TurnBar} turn=${turn} row=${row} root=${root} now=${now} /></span>
    <span class="cell-took nowrap">${took((end - begin) * 1000)}</span><span class="cell-age"></span>
  </div>`;
}
