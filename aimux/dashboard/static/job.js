// One job: its answer, what its strategy made of it, its time, its log, its changes.

import { html, useEffect, useState } from "./vendor/htm-preact.js";
import { ask, call } from "./api.js";
import { Answer, cancel, canRetry, kill, retry, Sure } from "./actions.js";
import { Diff } from "./diff.js";
import { watch } from "./feed.js";
import { ago, isOpen, oneLine, plural, STATES, tokens, took, visible, when } from "./format.js";
import { InvestigationView } from "./investigations.js";
import { Log } from "./log.js";
import { Markdown } from "./markdown.js";
import { store } from "./store.js";
import { Evidence, StrategyView, strategyOf } from "./strategies.js";
import { copy, FaultNote, jobPath, Status, useAsked, useNow, useStore } from "./ui.js";
import { Mark, Waterfall } from "./waterfall.js";

const LIVE_MS = 1500;

export function JobView({ id, tab }) {
  useStore();
  const known = store.jobs.get(id);
  const first = useAsked(async () => {
    if (store.jobs.has(id)) return null;
    const { rows } = await ask("jobs", { id });
    store.put(rows[0]);
    store.changed();
    return rows[0];
  }, [id]);
  useEffect(() => {
    watch(id);
    return () => watch("");
  }, [id]);
  const row = known ?? first.value;
  const isLive = row ? isOpen(row) : false;
  // the whole answer is read at the end, what there is so far while it runs
  const result = useAsked(() => (row ? call("status", { job_id: id, ...(isLive ? { tail: 4000 } : { include_content: true }) }) : null), [id, row?.status]);
  const timeline = useAsked(() => (row ? ask("timeline", { job: id }) : null), [id, row?.status, row?.turn, row?.turns_open]);
  const now = useNow(isLive);
  useEffect(() => {
    if (!isLive) return undefined;
    const timer = setInterval(() => {
      if (document.hidden) return;
      timeline.again();
      result.again();
    }, LIVE_MS);
    return () => clearInterval(timer);
  }, [isLive, id]);

  if (!row) {
    if (first.isAsking) return html`<p class="plain">Loading ${id}…</p>`;
    return html`<div class="view narrow"><h1>Job not found</h1><${FaultNote} fault=${first.fault} /><p class="plain">It may have been cleared away. <a href="#/jobs">All jobs</a></p></div>`;
  }
  const body = result.value ?? {};
  const diffs = diffsOf(body);
  const tabs = [
    ["answer", "Answer"],
    ["time", `Turns${timeline.value ? ` (${timeline.value.turns.length})` : ""}`],
    ["log", `Log (${row.events})`],
    ...(diffs.length ? [["changes", `Changes (${diffs.length})`]] : []),
    ["usage", "Usage"],
  ];
  const shown = tabs.some(([name]) => name === tab) ? tab : "answer";
  const parents = [];
  for (let at = row; at.parent && parents.length < 20; ) {
    at = store.jobs.get(at.parent) ?? { id: at.parent, tool: "parent" };
    parents.unshift(at);
  }
  return html`<div class=${`view ${shown === "log" ? "full" : "narrow"}`}>
    <nav class="crumbs" aria-label="Where this job belongs"><a href="#/jobs">Jobs</a>${parents.map((each) => html` › <a href=${jobPath(each.id)} key=${each.id}>${each.tool}</a>`)} › <span class="mono">${row.id}</span></nav>
    <header class="job-title">
      <h1><${Status} status=${row.status} /> ${[row.tool, row.role].filter(Boolean).join(" · ")}</h1>
      <div class="line actions">
        ${isLive ? html`<${Sure} text="Cancel" sure="Really cancel?" onSure=${() => cancel([id])} /><${Sure} text="Kill" sure="Really kill?" title="without grace" onSure=${() => kill([id])} />` : null}
        ${canRetry(row) ? html`<button type="button" onClick=${() => retry([id], true)}>Retry</button>` : null}
        <button type="button" onClick=${() => copy(location.href.split("#")[0] + jobPath(id), "link")}>Copy link</button>
      </div>
    </header>
    <p class="facts">
      <span>${oneLine([row.cli, row.model].filter(Boolean).join(" ") || "no CLI", 80)}</span><span>${row.mode}</span>
      <span title=${when(row.created)}>${ago(row.created, now)}${ago(row.created, now) === "now" ? "" : " ago"}</span>
      <span>${isLive ? `${row.position ? `number ${row.position} in the queue, ` : ""}${took(now - row.created)} so far` : took(row.duration_ms ?? row.finished - row.created)}</span>
      ${row.usage ? html`<span>${tokens(row.usage)}</span>` : null}
      ${row.cwd ? html`<span class="mono"><bdi>${visible(row.cwd)}</bdi></span>` : null}
    </p>
    <p class="prompt"><bdi>${oneLine(row.prompt, 400)}</bdi></p>
    ${(row.questions ?? []).map((question) => html`<${Answer} key=${question.number} row=${row} question=${question} />`)}
    <${Trouble} row=${row} body=${body} timeline=${timeline.value} />
    <${Below} id=${id} />
    <nav class="tabs" role="tablist">${tabs.map(([name, title], at) => html`<a key=${name} role="tab" aria-selected=${String(name === shown)} href=${jobPath(id, name)} title=${`key ${at + 1}`}>${title}</a>`)}</nav>
    <section role="tabpanel" class="panel">
      ${shown === "answer" ? html`<${AnswerTab} row=${row} body=${body} result=${result} />` : null}
      ${shown === "time" ? (timeline.value ? html`<${Waterfall} row=${row} timeline=${timeline.value} />` : html`<${FaultNote} fault=${timeline.fault} />`) : null}
      ${shown === "log" ? html`<${Log} row=${row} />` : null}
      ${shown === "changes" ? diffs.map((each, at) => html`<section key=${at}><h3>${each.title}</h3><${Diff} text=${each.diff} verdicts=${each.verdicts} /></section>`) : null}
      ${shown === "usage" ? html`<${UsageTab} body=${body} />` : null}
    </section>
  </div>`;
}

// Why it went wrong, with the first cause apart from what followed.
function Trouble({ row, body, timeline }) {
  const error = body.error ?? row.error;
  const warnings = body.warnings ?? [];
  const cause = timeline?.turns.find((turn) => turn.mark === "cause");
  const follow = timeline?.turns.filter((turn) => turn.mark === "consequence") ?? [];
  const marks = store.marks(store.rootOf(row.id)?.id ?? row.id);
  const causeJob = [...marks].find(([id, mark]) => mark === "cause" && id !== row.id)?.[0];
  if (!error && !warnings.length && !cause) return null;
  return html`<div class=${`trouble ${error || cause ? "" : "is-mild"}`}>
    ${causeJob && marks.get(row.id) === "consequence" ? html`<p><${Mark} mark="cause" /> is <a href=${jobPath(causeJob)}>${store.jobs.get(causeJob)?.tool} ${causeJob}</a>; this job failed after it.</p>` : null}
    ${cause ? html`<p class="is-cause"><${Mark} mark="cause" /> <b>${cause.seat || `turn ${cause.turn}`}</b> <bdi>${cause.error ? `${cause.error.class}: ${oneLine(cause.error.message, 500)}` : STATES[cause.status]?.word}</bdi>${cause.error?.hint ? html` <span class="hint">${visible(cause.error.hint)}</span>` : null}</p>` : null}
    ${follow.length ? html`<details><summary><${Mark} mark="consequence" /> ${plural(follow.length, "turn")} after it</summary><ul>${follow.map((turn) => html`<li key=${turn.turn}>${turn.seat || `turn ${turn.turn}`}: ${turn.error ? oneLine(turn.error.message, 300) : STATES[turn.status]?.word}</li>`)}</ul></details>` : null}
    ${error && !cause ? html`<p class="is-cause"><bdi>✗ ${error.class}: ${oneLine(error.message, 500)}</bdi>${error.hint ? html` <span class="hint">${visible(error.hint)}</span>` : null}</p>` : null}
    ${body.stderr_tail && error ? html`<details><summary>The end of stderr</summary><pre>${visible(body.stderr_tail)}</pre></details>` : null}
    ${warnings.length ? html`<details><summary>${plural(warnings.length, "warning")}</summary><ul>${warnings.map((each, at) => html`<li key=${at}><code>${visible(each.code)}</code> <bdi>${oneLine(each.message, 500)}</bdi>${each.times > 1 ? ` (${each.times} times)` : ""}</li>`)}</ul></details>` : null}
  </div>`;
}

function Below({ id }) {
  const below = store.below(id).map((each) => store.jobs.get(each));
  if (!below.length) return null;
  const marks = store.marks(store.rootOf(id)?.id ?? id);
  return html`<details class="below" open=${below.length <= 12}><summary>${plural(below.length, "job")} below</summary><ul>${below.map((row) => html`<li key=${row.id}><${Status} status=${row.status} /> <a href=${jobPath(row.id)}>${[row.tool, row.role].filter(Boolean).join(" · ")}</a> <${Mark} mark=${marks.get(row.id)} /> <bdi class="dim">${oneLine(row.prompt, 100)}</bdi></li>`)}</ul></details>`;
}

function AnswerTab({ row, body, result }) {
  const [isSource, setSource] = useState(false);
  const name = strategyOf(body.data, row.tool);
  if (result.fault && !result.value) return html`<${FaultNote} fault=${result.fault} />`;
  const text = body.content ?? "";
  return html`
    ${body.data?.investigation_id ? html`<section class="strategy"><div class="line"><h3>Investigation</h3><a class="push" href=${`#/investigation/${body.data.investigation_id}`}>open it</a></div><${InvestigationView} id=${body.data.investigation_id} isInside=${true} /></section>` : null}
    ${name ? html`<${StrategyView} name=${name} data=${body.data} turns=${body.turns ?? []} />` : null}
    ${text ? html`<section class="answer-text">
      <div class="line"><h3>${isOpen(row) ? "So far" : "Answer"}</h3><span class="dim">${(body.content_length ?? text.length).toLocaleString()} characters</span><button type="button" class="push small" aria-pressed=${String(isSource)} onClick=${() => setSource(!isSource)}>Source</button><button type="button" class="small" onClick=${() => copy(text, "answer")}>Copy</button></div>
      ${isSource ? html`<pre dir="auto" class="source" tabindex="0">${visible(text.slice(0, 200000))}</pre>` : html`<${Markdown} text=${text} />`}
    </section>` : result.isAsking && !result.value ? html`<p class="plain">Loading…</p>` : html`<p class="plain">${isOpen(row) ? "Nothing was said yet." : "There is no answer."}</p>`}
    ${body.data != null && !name ? html`<details><summary>Data</summary><pre tabindex="0">${visible(JSON.stringify(body.data, null, 2).slice(0, 200000))}</pre></details>` : null}
    <${Evidence} of=${name ? null : body.data?.evidence} />
  `;
}

function UsageTab({ body }) {
  const turns = body.turns ?? [];
  return html`<div class="wide" tabindex="0"><table class="plain-table">
    <thead><tr><th>turn</th><th>seat</th><th>CLI, model</th><th>state</th><th class="num">in</th><th class="num">cached</th><th class="num">out</th><th class="num">thinking</th><th class="num">cost</th><th class="num">took</th><th>attempts</th></tr></thead>
    <tbody>${turns.map((turn) => html`<tr key=${turn.turn}><td>${turn.turn}</td><td>${oneLine(turn.seat, 40)}</td><td>${oneLine([turn.cli, turn.model].filter(Boolean).join(" "), 80)}</td><td><${Status} status=${turn.status} /></td>
      ${["input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens"].map((name) => html`<td class="num" key=${name}>${turn.usage?.[name]?.toLocaleString() ?? "–"}</td>`)}
      <td class="num">${turn.usage?.cost_usd != null ? `$${turn.usage.cost_usd.toFixed(4)}` : "–"}</td><td class="num">${took(turn.duration_ms)}</td><td>${(turn.attempts ?? []).map((each) => `${each.cli}: ${each.outcome}`).join(", ")}</td></tr>`)}</tbody>
    <tfoot><tr><th colspan="4">together</th>${["input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens"].map((name) => html`<td class="num" key=${name}>${body.usage?.[name]?.toLocaleString() ?? "–"}</td>`)}<td class="num">${body.usage?.cost_usd != null ? `$${body.usage.cost_usd.toFixed(4)}` : "–"}</td><td class="num">${took(body.duration_ms)}</td><td></td></tr></tfoot>
  </table></div><p class="plain dim">– means that the CLI does not report it.</p>`;
}

// Every diff of an answer: what landed, each round of a pair, fenced diffs in the text.
export function diffsOf(body) {
  const found = [];
  const data = body.data ?? {};
  if (typeof data.diff === "string" && data.diff) found.push({ title: data.landed ? "Landed" : "Would have landed", diff: data.diff, verdicts: [] });
  for (const round of Array.isArray(data.rounds) ? data.rounds : []) {
    if (round?.diff) found.push({ title: `Round ${round.round}${round.seat ? `, ${round.seat}` : ""}`, diff: round.diff, verdicts: round.hunks ?? [] });
  }
  for (const match of String(body.content ?? "").slice(0, 400000).matchAll(/^```(?:diff|patch)\n([\s\S]*?)^```/gm)) found.push({ title: "In the answer", diff: match[1], verdicts: [] });
  return found;
}
