// Investigations: what was found, what each area has, what nobody has looked at.

import { html } from "./vendor/htm-preact.js";
import { call } from "./api.js";
import { ago, oneLine, plural, visible } from "./format.js";
import { store } from "./store.js";
import { Evidence } from "./strategies.js";
import { FaultNote, useAsked, useStore } from "./ui.js";

export function Investigations() {
  useStore();
  const asked = useAsked(async () => (await call("investigate", { action: "list", all_projects: true, limit: 100 })).result, []);
  const rows = asked.value?.active_investigations ?? [];
  return html`<div class="view narrow"><h1>Investigations</h1>
    <${FaultNote} fault=${asked.fault} />
    ${rows.map((row) => html`<article class="card" key=${row.session_id}><header><a href=${`#/investigation/${row.session_id}`}><b><bdi>${oneLine(row.topic, 200)}</bdi></b></a><span class="push dim nowrap">${ago(Date.parse(row.last_activity), store.now())}</span></header>
      <p class="facts"><span>${visible(row.domain)}</span><span>${visible(row.phase)}</span><span>round ${row.iteration}</span><span>${plural(row.findings_count, "finding")}</span><span class="mono"><bdi>${visible(row.project)}</bdi></span></p></article>`)}
    ${asked.value && !rows.length ? html`<p class="plain">No investigation yet. One begins with investigate(question), or: aimux investigate</p>` : null}
  </div>`;
}

const LEVELS = ["P0", "P1", "P2", "P3"];
export function InvestigationView({ id, isInside = false }) {
  const asked = useAsked(async () => (await call("investigate", { action: "status", session_id: id })).result, [id]);
  const body = asked.value;
  if (!body) return html`<div class=${isInside ? "" : "view narrow"}>${asked.fault ? html`<${FaultNote} fault=${asked.fault} />` : html`<p class="plain">Loading…</p>`}</div>`;
  const findings = body.findings ?? [];
  const corrected = new Set(findings.filter((each) => each.corrected_by).map((each) => each.finding_id));
  const areas = new Map();
  const area = (name) => areas.get(name) ?? areas.set(name, { findings: 0, notes: 0 }).get(name);
  for (const each of findings) if (each.coverage_area && !corrected.has(each.finding_id)) area(each.coverage_area).findings += 1;
  for (const each of body.notes ?? []) if (each.coverage_area) area(each.coverage_area).notes += 1;
  for (const name of body.coverage_unchecked ?? []) area(name);
  const unchecked = new Set(body.coverage_unchecked ?? []);
  return html`<div class=${isInside ? "" : "view narrow"}>
    ${isInside ? null : html`<nav class="crumbs"><a href="#/investigations">Investigations</a> › <span class="mono">${id}</span></nav><h1><bdi>${oneLine(body.topic, 300)}</bdi></h1>`}
    <p class="facts"><span>${visible(body.domain)}</span><span>${visible(body.phase)}</span><span>round ${body.iteration}</span><span>${plural(findings.length, "finding")}</span><span>${plural(body.corrections_count, "correction")}</span></p>
    <h3>Coverage <span class="dim">${Math.round(body.coverage_score * 100)} %</span></h3>
    <meter min="0" max="1" value=${body.coverage_score}>${body.coverage_score}</meter>
    <ul class="coverage">${[...areas].map(([name, each]) => html`<li key=${name}>${unchecked.has(name) ? html`<span class="tone-warn">○ open</span>` : html`<span class="tone-good">✓</span>`} ${visible(name).replaceAll("_", " ")} <span class="dim">${[each.findings ? plural(each.findings, "finding") : "", each.notes ? plural(each.notes, "note") : ""].filter(Boolean).join(", ")}</span></li>`)}</ul>
    ${LEVELS.map((level) => [level, findings.filter((each) => each.severity === level)]).filter(([, found]) => found.length).map(([level, found]) => html`<h3 key=${level}>${level} <span class="count">${found.length}</span></h3><ul class="claims">${found.slice(0, 300).map((each) => html`<li key=${each.finding_id} class=${corrected.has(each.finding_id) ? "is-corrected" : ""}><b>${each.confidence}</b> <bdi>${oneLine(each.description, 600)}</bdi> <span class="dim">${each.by ? `by ${oneLine(each.by, 40)}` : ""}${each.corrected_by ? `, corrected by ${each.corrected_by}` : ""}${each.contradicts ? `, denies ${each.contradicts}` : ""}</span><${Evidence} of=${each.evidence} /></li>`)}</ul>`)}
  </div>`;
}
