// What a strategy made, in its own form: positions, speeches, findings, rounds, steps, coverage.

import { html, useState } from "./vendor/htm-preact.js";
import { oneLine, plural, STATES, took, visible } from "./format.js";
import { Markdown } from "./markdown.js";
import { Status } from "./ui.js";

const list = (value) => (Array.isArray(value) ? value : []);
const percent = (value) => (Number.isFinite(value) ? `${Math.round(value * 100)} %` : "–");
const said = (value) => (typeof value === "string" ? value : value == null ? "" : Array.isArray(value) ? value.map(said).join("; ") : JSON.stringify(value));

export function strategyOf(data, tool) {
  if (!data || typeof data !== "object") return "";
  if (data.tally && data.seats) return "consensus";
  if (data.sides && "verdict" in data) return "debate";
  if (data.drafts) return "dialog";
  if (data.findings && data.counts && data.phases) return "audit";
  if (data.rounds && "landed" in data) return "pair";
  if (data.steps && (tool === "workflow" || data.plan)) return "workflow";
  if (data.report && data.sources) return "research";
  return "";
}

const VERIFIED = { quote: ["✓", "quote found", "good"], line_exists: ["≈", "line exists, no quote", "warn"], false: ["✗", "not found", "bad"] };
export function Evidence({ of }) {
  const places = list(of);
  if (!places.length) return null;
  return html`<ul class="evidence">${places.map((each, at) => {
    const [mark, word, tone] = VERIFIED[String(each.verified)] ?? ["?", "not checked", "quiet"];
    return html`<li key=${at}><span class=${`tone-${tone} nowrap`}>${mark} ${word}</span> <code><bdi>${visible(each.path ?? "")}${each.line ? `:${each.line}` : ""}${each.end_line && each.end_line !== each.line ? `-${each.end_line}` : ""}</bdi></code>${each.quote ? html` <q><bdi>${oneLine(each.quote, 300)}</bdi></q>` : null}${each.why ? html` <span class="dim">${oneLine(each.why, 200)}</span>` : null}</li>`;
  })}</ul>`;
}

export function StrategyView({ name, data, turns }) {
  const views = { consensus: Consensus, debate: Debate, dialog: Dialog, audit: Audit, pair: Pair, workflow: Workflow, research: Research };
  const View = views[name];
  return html`<section class=${`strategy ${name}`}><${View} data=${data} turns=${turns} /></section>`;
}

const Claims = ({ claims }) => html`<ul class="claims">${list(claims).map((claim, at) => html`<li key=${at}><bdi>${oneLine(said(claim.text), 600)}</bdi><${Evidence} of=${claim.evidence} /></li>`)}</ul>`;

const SEATS = { answered: "completed", prose: "completed", lost: "failed", late: "cancelled" };
function Consensus({ data }) {
  const groups = list(data.tally?.groups);
  const seats = list(data.seats);
  const lost = list(data.quorum?.lost);
  const late = list(data.quorum?.late);
  return html`
    <div class="figures"><span><b>${percent(data.tally?.agreement)}</b> agree</span><span><b>${percent(data.confidence?.value)}</b> confidence</span><span><b>${data.quorum?.got ?? "–"}</b> of ${seats.length} answered, ${data.quorum?.needed ?? "–"} needed</span>${data.diversity?.shared_vendor ? html`<span class="tone-warn">! one vendor: errors may be shared</span>` : null}${data.synthesis?.order_sensitive ? html`<span class="tone-warn">! the order changed the synthesis</span>` : null}</div>
    <h3>Positions</h3>
    <ol class="positions">${groups.map((group, at) => html`<li key=${at}><div class="line"><b><bdi>${oneLine(said(group.position), 500)}</bdi></b><span class="push nowrap">${plural(list(group.seats).length, "seat")}: ${list(group.seats).join(", ")}</span></div><meter min="0" max=${Math.max(1, seats.length)} value=${list(group.seats).length}>${list(group.seats).length}</meter></li>`)}</ol>
    ${list(data.minority).length ? html`<h3>Minority</h3><ul class="minority">${list(data.minority).map((each, at) => html`<li key=${at}><b><bdi>${oneLine(said(each.position), 400)}</bdi></b> <span class="dim">${list(each.seats).join(", ")}</span>${each.strongest_claim ? html`<p>strongest claim: <bdi>${oneLine(said(each.strongest_claim?.text ?? each.strongest_claim), 500)}</bdi></p>` : null}</li>`)}</ul>` : null}
    ${lost.length || late.length ? html`<h3>Lost</h3><ul>${lost.map((each, at) => html`<li key=${at}><span class="tone-bad">✗ lost</span> <b>${each.seat}</b> ${each.cli ?? ""}: <bdi>${oneLine(said(each.reason), 300)}</bdi></li>`)}${late.map((seat) => html`<li key=${seat}><span class="tone-quiet">– late</span> <b>${said(seat)}</b>: could not change the outcome any more</li>`)}</ul>` : null}
    <h3>Seats</h3>
    ${seats.map((seat) => html`<details key=${seat.seat} class="seat"><summary><${Status} status=${SEATS[seat.status] ?? seat.status} isShort=${true} /> <b>${seat.seat}</b> <span class="dim">${[seat.cli, seat.model].filter(Boolean).join(" ")}</span> <bdi class="clip">${oneLine(said(seat.position) || seat.error?.message || said(seat.error), 160)}</bdi></summary>
      ${seat.error ? html`<p class="tone-bad"><bdi>✗ ${oneLine(seat.error.message ?? said(seat.error), 400)}</bdi></p>` : null}
      <${Claims} claims=${seat.claims} />
      ${said(seat.would_change) ? html`<p><span class="dim">would change its mind:</span> <bdi>${oneLine(said(seat.would_change), 500)}</bdi></p>` : null}
      ${seat.answer ? html`<${Markdown} text=${said(seat.answer)} />` : null}</details>`)}
    ${list(data.only_one_said).length ? html`<details><summary>Only one said (${list(data.only_one_said).length})</summary><ul>${list(data.only_one_said).map((each, at) => html`<li key=${at}><b>${each.seat}</b> <bdi>${oneLine(said(each.claim?.text ?? each.claim), 400)}</bdi></li>`)}</ul></details>` : null}
    ${list(data.open_questions).length ? html`<details open><summary>Open questions</summary><ul>${list(data.open_questions).map((each, at) => html`<li key=${at}><bdi>${oneLine(said(each), 400)}</bdi></li>`)}</ul></details>` : null}`;
}

function Debate({ data }) {
  const verdict = data.verdict;
  const sides = list(data.sides);
  const side = (name) => sides.find((each) => each.side === name) ?? {};
  const rounds = Math.max(0, ...sides.map((each) => list(each.rebuttals).length));
  const speech = (name, text, attacks = []) => html`<article class=${`speech ${name}`}><header><b>${name}</b> <span class="dim">${side(name).cli ?? ""}</span></header>${text ? html`<${Markdown} text=${said(text)} />` : html`<p class="dim">said nothing</p>`}${list(attacks).map((each, at) => html`<p class="attack" key=${at}>${each.found ? html`<span class="tone-good">✓ quoted</span>` : html`<span class="tone-bad">✗ quote not found</span>`} <q><bdi>${oneLine(said(each.quote), 240)}</bdi></q></p>`)}</article>`;
  return html`
    ${verdict ? html`<div class="verdict-box"><p><b>Verdict: ${said(verdict.winner)}</b> <span class="dim">confidence ${percent(verdict.confidence)}</span> ${data.judge?.is_party ? html`<span class="tone-warn">! the judge is a party</span>` : null} ${data.judge?.order_sensitive ? html`<span class="tone-warn">! the order changed the verdict</span>` : null}</p>
      <p><bdi>${oneLine(said(verdict.recommendation), 800)}</bdi></p>
      <ul>${list(verdict.points).map((point, at) => html`<li key=${at}><b>${said(point.held_by)}</b> <bdi>${oneLine(said(point.claim), 400)}</bdi> <span class="dim">weight ${said(point.weight)}</span></li>`)}</ul>
      ${list(verdict.unresolved).length ? html`<p>Unresolved: <bdi>${list(verdict.unresolved).map((each) => oneLine(said(each), 200)).join("; ")}</bdi></p>` : null}</div>` : html`<p class="tone-warn">! there is no verdict</p>`}
    <h3>Transcript</h3>
    <h4>Openings</h4><div class="two">${speech("pro", side("pro").opening)}${speech("con", side("con").opening)}</div>
    ${Array.from({ length: rounds }, (_, at) => html`<h4>Rebuttals ${at + 1}</h4><div class="two">${speech("pro", side("pro").rebuttals?.[at]?.text, side("pro").rebuttals?.[at]?.attacks)}${speech("con", side("con").rebuttals?.[at]?.text, side("con").rebuttals?.[at]?.attacks)}</div>`)}
    ${side("pro").closing || side("con").closing ? html`<h4>Closings</h4><div class="two">${speech("pro", side("pro").closing)}${speech("con", side("con").closing)}</div>` : null}
    ${sides.flatMap((each) => list(each.concessions).map((fact, at) => html`<p key=${each.side + at}>${each.side} concedes: <bdi>${oneLine(said(fact.fact), 300)}</bdi></p><${Evidence} of=${[fact.evidence].flat().filter(Boolean)} />`))}
    ${sides.flatMap((each) => list(each.forfeits).map((lost, at) => html`<p class="tone-bad" key=${`f${each.side}${at}`}>✗ ${each.side} forfeits ${said(lost.phase)}: <bdi>${oneLine(said(lost.reason), 300)}</bdi></p>`))}
    ${list(data.struck).length ? html`<details><summary>Struck before judging (${list(data.struck).length})</summary><ul>${list(data.struck).map((each, at) => html`<li key=${at}><b>${each.seat}</b> <bdi>${oneLine(said(each.text), 300)}</bdi> <span class="dim">${oneLine(said(each.why), 200)}</span></li>`)}</ul></details>` : null}`;
}

function Dialog({ data }) {
  return html`<p class="dim">ended by ${said(data.stopped_by).replaceAll("_", " ")}</p>
    ${list(data.drafts).map((draft, at) => html`<details key=${at} class="seat" open=${at === data.drafts.length - 1}><summary><b>${said(draft.seat)}</b> turn ${draft.turn} <span class="dim">${plural(list(draft.blocking).length, "blocking point")}, ${plural(list(draft.notes).length, "note")}</span></summary>
      ${list(draft.blocking).map((each, index) => html`<p class="tone-bad" key=${index}>✗ <bdi>${oneLine(said(each?.text ?? each), 500)}</bdi></p>`)}
      ${list(draft.notes).map((each, index) => html`<p key=${`n${index}`}>· <bdi>${oneLine(said(each?.text ?? each), 500)}</bdi></p>`)}
      ${draft.text ? html`<${Markdown} text=${said(draft.text)} />` : null}</details>`)}
    ${list(data.open_points).length ? html`<h3>Open points</h3><ul>${list(data.open_points).map((each, at) => html`<li key=${at}><bdi>${oneLine(said(each?.text ?? each), 400)}</bdi></li>`)}</ul>` : null}`;
}

const PRIORITIES = ["P0", "P1", "P2", "P3"];
const FOUND = { confirmed: "✓ confirmed", refuted: "✗ refuted", unrefuted: "◐ not refuted", unverified: "? not verified", suppressed: "– suppressed" };
function Audit({ data }) {
  const [wanted, setWanted] = useState("");
  const isCounted = (each) => !["refuted", "unverified", "suppressed"].includes(each.state);
  const findings = list(data.findings);
  const groups = [...PRIORITIES.map((name) => [name, findings.filter((each) => each.priority === name && isCounted(each))]), ...["refuted", "unverified", "suppressed"].map((name) => [name, findings.filter((each) => each.state === name)])];
  return html`
    <div class="figures">${groups.map(([name, found]) => html`<button type="button" key=${name} class=${`figure ${wanted === name ? "is-on" : ""}`} aria-pressed=${String(wanted === name)} disabled=${!found.length} onClick=${() => setWanted(wanted === name ? "" : name)}><b>${data.counts?.[name] ?? found.length}</b> ${name}</button>`)}</div>
    <p class="phases">${list(data.phases).map((phase) => html`<span key=${phase.name} class="nowrap"><${Status} status=${phase.status === "skipped" ? "cancelled" : phase.status} isShort=${true} /> ${phase.name}${phase.reason ? html` <span class="dim">${oneLine(phase.reason, 120)}</span>` : null}</span>`)}</p>
    ${groups.filter(([name, found]) => found.length && (!wanted || wanted === name)).map(([name, found]) => html`<section key=${name}><h3>${name} <span class="count">${found.length}</span></h3>
      ${found.slice(0, 300).map((each) => html`<details key=${each.id} class=${`finding ${name}`} open=${name === "P0"}><summary><span class=${`sev sev-${each.severity}`}>${each.severity}</span> <b><bdi>${oneLine(each.title, 200)}</bdi></b> <code><bdi>${visible(each.path ?? "")}${each.line ? `:${each.line}` : ""}</bdi></code> <span class="push nowrap">${FOUND[each.state] ?? said(each.state)}</span></summary>
        ${each.quote ? html`<pre>${visible(String(each.quote).slice(0, 2000))}</pre>` : null}
        ${each.scenario ? html`<p><bdi>${visible(each.scenario)}</bdi></p>` : null}
        ${each.fix ? html`<p><b>Fix:</b> <bdi>${visible(each.fix)}</bdi></p>` : null}
        <${Evidence} of=${[each.evidence].flat().filter((one) => one && one.path)} />
        <p class="dim">${[each.rule, each.category === each.rule ? "" : each.category, list(each.scanners).length ? `found by ${list(each.scanners).map(said).join(", ")}` : "", list(each.validators).length ? `checked by ${list(each.validators).map((one) => said(one?.seat ?? one)).join(", ")}` : ""].filter(Boolean).join(" · ")}</p></details>`)}</section>`)}
    <p class="dim">${plural(list(data.coverage?.files_seen).length || Number(data.coverage?.files_seen) || 0, "file")} seen${list(data.coverage?.skipped).length ? `, ${list(data.coverage.skipped).length} skipped` : ""}</p>
    ${list(data.coverage?.skipped).length ? html`<details><summary>Skipped</summary><ul>${list(data.coverage.skipped).slice(0, 200).map((each, at) => html`<li key=${at}><code>${visible(each.path)}</code> <span class="dim">${oneLine(each.why, 160)}</span></li>`)}</ul></details>` : null}`;
}

const LANDED = { approved: "✓ approved", approved_with_modifications: "✓ approved with modifications", needs_human: "! needs your decision", rejected: "✗ rejected", max_rounds: "◷ out of rounds" };
function Pair({ data }) {
  return html`<div class="figures"><span><b>${LANDED[data.state] ?? said(data.state)}</b></span><span>${data.landed ? "✓ landed" : "– not landed"}</span><span>${plural(list(data.files).length, "file")}</span></div>
    ${data.copy?.kept ? html`<p>The working copy is kept at <code><bdi>${visible(data.copy.path)}</bdi></code>: ${oneLine(data.copy.why, 200)}</p>` : null}
    <ol class="rounds">${list(data.rounds).map((round, at) => html`<li key=${at}><b>Round ${round.round}</b> ${said(round.seat)} <span class=${round.applies === false ? "tone-bad" : "tone-good"}>${round.applies === false ? "✗ does not apply" : "✓ applies"}</span>
      ${list(round.verify).map((check, index) => html`<div key=${index} class="check"><span class=${check.exit_code === 0 ? "tone-good" : "tone-bad"}>${check.exit_code === 0 ? "✓" : "✗"} code ${said(check.exit_code)}</span> <code><bdi>${oneLine([check.command].flat().join(" "), 200)}</bdi></code> <span class="dim">${took(check.duration_ms)}</span>${check.tail && check.exit_code !== 0 ? html`<pre>${visible(String(check.tail).slice(-2000))}</pre>` : null}</div>`)}
      ${list(round.hunks).length ? html`<ul>${list(round.hunks).map((hunk, index) => html`<li key=${index}>hunk ${hunk.hunk} <code><bdi>${visible(hunk.path ?? "")}</bdi></code> <b>${{ approved: "✓", modified: "◐", changes_requested: "✗" }[hunk.verdict] ?? "?"} ${said(hunk.verdict).replaceAll("_", " ")}</b>${hunk.contested ? " contested" : ""} <bdi class="dim">${oneLine(hunk.comment, 300)}</bdi><${Evidence} of=${[hunk.evidence].flat().filter((one) => one && one.path)} /></li>`)}</ul>` : null}</li>`)}</ol>`;
}

// Steps as a graph: columns are waves, lines go from what is needed to what needs it.
export function layers(steps) {
  const level = new Map();
  const byId = new Map(steps.map((step) => [step.id, step]));
  const place = (id, passed) => {
    if (level.has(id)) return level.get(id);
    if (passed.has(id)) return 0;
    passed.add(id);
    const needs = list(byId.get(id)?.needs).filter((each) => byId.has(each));
    const at = needs.length ? 1 + Math.max(...needs.map((each) => place(each, passed))) : 0;
    level.set(id, at);
    return at;
  };
  for (const step of steps) place(step.id, new Set());
  return level;
}

const BOX = { width: 176, height: 50, gapX: 44, gapY: 16 };
function Workflow({ data }) {
  const steps = list(data.steps);
  const isOrdered = steps.every((step) => !list(step.needs).length);
  const linked = isOrdered ? steps.map((step, at) => ({ ...step, needs: at ? [steps[at - 1].id] : [] })) : steps;
  const level = layers(linked);
  const rows = new Map();
  const places = new Map();
  for (const step of linked) {
    const at = level.get(step.id);
    const row = rows.get(at) ?? 0;
    rows.set(at, row + 1);
    places.set(step.id, { x: at * (BOX.width + BOX.gapX), y: row * (BOX.height + BOX.gapY) });
  }
  const width = (Math.max(0, ...level.values()) + 1) * (BOX.width + BOX.gapX);
  const height = Math.max(1, ...rows.values()) * (BOX.height + BOX.gapY);
  return html`
    ${data.resumable_from ? html`<p class="tone-warn">! can go on from step <code>${visible(data.resumable_from)}</code></p>` : null}
    <div class="wide graph" tabindex="0"><svg width=${width} height=${height} role="img" aria-label="Steps and what they need">
      ${linked.flatMap((step) => list(step.needs).filter((need) => places.has(need)).map((need) => {
        const from = places.get(need);
        const to = places.get(step.id);
        const [x1, y1, x2, y2] = [from.x + BOX.width, from.y + BOX.height / 2, to.x, to.y + BOX.height / 2];
        return html`<path key=${need + step.id} class="edge" d=${`M${x1} ${y1} C${x1 + 24} ${y1} ${x2 - 24} ${y2} ${x2 - 5} ${y2}`} /><path class="tip" key=${`t${need}${step.id}`} d=${`M${x2 - 6} ${y2 - 4} L${x2} ${y2} L${x2 - 6} ${y2 + 4} z`} />`;
      }))}
      ${linked.map((step) => {
        const { x, y } = places.get(step.id);
        const state = STATES[step.status] ?? { mark: step.status === "skipped" ? "⤼" : "?", word: said(step.status), tone: "quiet" };
        return html`<g key=${step.id} class=${`step tone-${state.tone}`}><rect x=${x + 0.5} y=${y + 0.5} width=${BOX.width - 1} height=${BOX.height - 1} rx="6" /><text x=${x + 10} y=${y + 21} class="step-name">${state.mark} ${oneLine(step.id, 20)}</text><text x=${x + 10} y=${y + 39} class="step-facts">${oneLine(step.tool, 12)} · ${state.word}${step.duration_ms ? ` · ${took(step.duration_ms)}` : ""}</text></g>`;
      })}
    </svg></div>
    <ul class="steps">${steps.map((step) => html`<li key=${step.id}><${Status} status=${step.status === "skipped" ? "cancelled" : step.status} isShort=${true} /> ${step.job_id ? html`<a href=${`#/job/${step.job_id}`}><b>${visible(step.id)}</b></a>` : html`<b>${visible(step.id)}</b>`} <span class="dim">${step.tool}, ${said(step.status)}${list(step.needs).length ? `, after ${list(step.needs).join(", ")}` : ""}</span> ${step.why ? html`<bdi>${oneLine(step.why, 300)}</bdi>` : null}</li>`)}</ul>`;
}

function Research({ data }) {
  return html`<div class="figures"><span>${said(data.provider)}</span><span>${data.grounded ? "✓ with sources" : "! without sources"}</span>${data.cached ? html`<span>from the cache</span>` : null}</div>
    ${list(data.sources).length ? html`<details open><summary>${plural(list(data.sources).length, "source")}</summary><ol>${list(data.sources).map((each, at) => html`<li key=${at}><${Markdown} text=${`[${said(each.title || each.url).replace(/[[\]]/g, "")}](${said(each.url)})`} /></li>`)}</ol></details>` : null}
    ${data.report ? html`<${Markdown} text=${said(data.report)} />` : null}`;
}
