// The CLIs: whether they can be used, how long they take, how they fail, what they use over time.

import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import uPlot from "./vendor/uplot.js";
import { reset } from "./actions.js";
import { ask, call, readResource } from "./api.js";
import { cost, count, oneLine, plural, took, visible, when } from "./format.js";
import { store } from "./store.js";
import { FaultNote, useAsked, useNow, useStore } from "./ui.js";

const EVERY_MS = 15000;
const CLASSES = ["quota", "model_unavailable", "auth", "transient", "usage", "fatal", "timeout", "cancelled", "unknown", "not_run"];
// lines differ by dash and by marker, not by colour alone
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [4, 4], [14, 4], [1, 4], [6, 2, 1, 2]];
const INKS = ["--ink-1", "--ink-2", "--ink-3", "--ink-4", "--ink-5", "--ink-6", "--ink-7", "--ink-8"];

export function Clis() {
  useStore();
  const health = useAsked(async () => ({ body: await call("sessions", { action: "health" }), at: Date.now() }), []);
  const metrics = useAsked(async () => JSON.parse(await readResource("aimux://metrics")), []);
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.hidden) return;
      health.again();
      metrics.again();
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const [isAll, setAll] = useState(false);
  const body = health.value?.body;
  const known = body?.clis ?? [];
  const shown = isAll ? known : known.filter((each) => each.is_ready || body.breakers?.[each.name] || metrics.value?.per_cli?.[each.name] || each.state === "broken");
  return html`<div class="view">
    <div class="toolbar"><h1>CLIs</h1>${body ? html`<span class="dim">${body.clis_ready.length} of ${known.length} ready · aimux ${body.version} · up ${took(body.uptime_seconds * 1000)} · ${plural(Object.values(body.clients ?? {}).reduce((a, b) => a + b, 0), "client")}</span>` : null}
      <label class="push nowrap"><input type="checkbox" checked=${isAll} onChange=${(event) => setAll(event.target.checked)} /> those not installed too</label></div>
    <${FaultNote} fault=${health.fault} />
    ${(body?.problems ?? []).map((each, at) => html`<p key=${at} class=${each.severity === "error" ? "tone-bad" : "tone-warn"}>! ${visible(each.where ?? "")} <bdi>${oneLine(each.message, 400)}</bdi> <span class="hint">${visible(each.suggestion ?? "")}</span></p>`)}
    <div class="clis">${shown.map((each) => html`<${Cli} key=${each.name} cli=${each} body=${body} at=${health.value.at} figures=${metrics.value?.per_cli?.[each.name]} onReset=${() => reset(each.name).then(health.again)} />`)}</div>
    ${health.isAsking && !body ? html`<p class="plain">Looking for CLIs…</p>` : null}
    ${body && !shown.length ? html`<p class="plain">No CLI is ready. In a terminal: aimux doctor</p>` : null}
    <${Plots} />
  </div>`;
}

function Cli({ cli, body, at, figures, onReset }) {
  const breaker = body.breakers?.[cli.name];
  const cooled = (body.cooldowns ?? []).filter((each) => each.cli === cli.name);
  const hasClock = breaker?.retry_after_seconds > 0 || cooled.length > 0;
  useNow(hasClock);
  const left = (seconds) => Math.max(0, seconds * 1000 - (Date.now() - at));
  const [mark, tone] = cli.is_ready ? ["✓", "good"] : cli.state === "missing" || cli.state === "not_found" ? ["–", "quiet"] : ["✗", "bad"];
  const outcomes = Object.entries(figures?.outcomes ?? {}).filter(([name]) => name !== "completed").sort((a, b) => CLASSES.indexOf(a[0]) - CLASSES.indexOf(b[0]));
  const latency = figures?.latency ?? {};
  return html`<article class=${`cli tone-edge-${tone}`}>
    <header><b>${cli.display_name ?? cli.name}</b> <span class="dim">${oneLine(cli.version, 40)}</span><span class=${`push tone-${tone}`}>${mark} ${said(cli.state)}</span></header>
    ${cli.reason ? html`<p class="why"><bdi>${oneLine(cli.reason, 300)}</bdi> <span class="hint">${visible(cli.remedy ?? "")}</span></p>` : null}
    <dl>
      <dt>breaker</dt><dd>${breaker && breaker.state !== "closed" ? html`<span class="tone-bad">${breaker.state === "open" ? "✗ open" : `◐ ${said(breaker.state)}`}</span>${breaker.retry_after_seconds > 0 ? html`, tried again in <b>${took(left(breaker.retry_after_seconds))}</b>` : null} <button type="button" class="small" onClick=${onReset}>Try now</button>` : html`<span class="tone-good">✓ closed</span>${breaker?.failures ? `, ${plural(breaker.failures, "failure")} in a row` : ""}`}</dd>
      ${cooled.map((each, index) => html`<dt key=${index}>quota</dt><dd><span class="tone-warn">! ${visible(each.model ?? "all models")}</span> ${said(each.code)}: free in <b>${took(left(each.seconds_left))}</b></dd>`)}
      <dt>read mode</dt><dd>${said(cli.read_strength)}</dd>
      ${figures ? html`<dt>turns</dt><dd>${figures.turns}, ${Math.round((1 - figures.error_rate) * 100)} % completed</dd>
        <dt>latency</dt><dd>${latency.p50_ms != null ? html`<span class="percentiles">p50 <b>${took(latency.p50_ms)}</b> p90 <b>${took(latency.p90_ms)}</b> p99 <b>${took(latency.p99_ms)}</b></span>` : "–"}</dd>
        <dt>errors</dt><dd>${outcomes.length ? outcomes.map(([name, number]) => html`<span class="err" key=${name}>${name.replaceAll("_", " ")} <b>${number}</b><span class="share" aria-hidden="true"><span class="share-part" style=${{ width: `${(number / figures.turns) * 100}%` }}></span></span></span>`) : "none"}</dd>
        <dt>tokens</dt><dd>${count(figures.input_tokens)} in · ${count(figures.output_tokens)} out ${cost(figures.cost_usd) ? `· ${cost(figures.cost_usd)}` : ""}</dd>
        <dt>last</dt><dd>${when(figures.last_at)}</dd>` : html`<dt>turns</dt><dd class="dim">none since the start</dd>`}
    </dl>
  </article>`;
}
const said = (value) => (value == null ? "" : String(value).replaceAll("_", " "));

const MEASURES = { tokens: "tokens, in and out", output_tokens: "tokens out", cost_usd: "cost in USD", turns: "turns", failed: "turns that failed" };
const measure = (row, name) => (name === "tokens" ? row.input_tokens + row.output_tokens : name === "failed" ? row.turns - row.completed : row[name]);

// Rows to series: the largest ones by name, the others together.
export function series(rows, by, name, bucket, begin, end) {
  const sums = new Map();
  for (const row of rows) sums.set(row[by] || "none", (sums.get(row[by] || "none") ?? 0) + measure(row, name));
  const names = [...sums].sort((a, b) => b[1] - a[1]).map(([each]) => each);
  const kept = names.length > 8 ? [...names.slice(0, 7), "others"] : names;
  const times = [];
  for (let at = Math.floor(begin / bucket) * bucket; at <= end; at += bucket) times.push(at);
  const index = new Map(times.map((at, position) => [at, position]));
  const values = kept.map(() => new Array(times.length).fill(0));
  for (const row of rows) {
    const own = kept.indexOf(row[by] || "none");
    const position = index.get(row.at);
    if (position !== undefined) values[own < 0 ? kept.length - 1 : own][position] += measure(row, name);
  }
  return { names: kept, times, values, sums };
}

function Plots() {
  const [hours, setHours] = useState(24);
  const [by, setBy] = useState("cli");
  const [name, setName] = useState("tokens");
  const usage = useAsked(() => ask("usage", { hours }), [hours, store.totals.completed, store.totals.failed]);
  const end = store.now() / 1000;
  const made = usage.value ? series(usage.value.rows, by, name, usage.value.bucket_seconds, end - hours * 3600, end) : null;
  const shown = (value) => (name === "cost_usd" ? cost(value) || "$0" : count(value));
  return html`<section class="plots"><div class="toolbar"><h2>Over time</h2>
      <label>show <select value=${name} onChange=${(event) => setName(event.target.value)}>${Object.entries(MEASURES).map(([key, title]) => html`<option value=${key}>${title}</option>`)}</select></label>
      <label>by <select value=${by} onChange=${(event) => setBy(event.target.value)}><option value="cli">CLI</option><option value="model">model</option><option value="role">role</option></select></label>
      <label>of <select value=${hours} onChange=${(event) => setHours(Number(event.target.value))}><option value="1">the last hour</option><option value="24">24 hours</option><option value="168">7 days</option><option value="720">30 days</option></select></label></div>
    <${FaultNote} fault=${usage.fault} />
    ${made && made.names.length ? html`<${Plot} made=${made} shown=${shown} title=${MEASURES[name]} />
      <ul class="plot-legend">${made.names.map((each, at) => html`<li key=${each}><svg width="34" height="10" aria-hidden="true"><line x1="0" y1="5" x2="34" y2="5" class=${`ink-${at + 1}`} stroke-width="2.5" stroke-dasharray=${DASHES[at].join(" ")} /></svg> ${visible(each)} <b>${shown(made.values[at].reduce((a, b) => a + b, 0))}</b></li>`)}</ul>` : html`<p class="plain">${usage.isAsking && !usage.value ? "Loading…" : "Nothing was used in this time."}</p>`}
  </section>`;
}

function Plot({ made, shown, title }) {
  const box = useRef(null);
  const key = JSON.stringify([made.names, made.times[0], made.times.length, made.values]);
  useEffect(() => {
    const node = box.current;
    const style = getComputedStyle(document.documentElement);
    const ink = (name) => style.getPropertyValue(name).trim();
    const axis = { stroke: ink("--text-dim"), grid: { stroke: ink("--line"), width: 1 }, ticks: { stroke: ink("--line"), width: 1 }, font: "12px system-ui, sans-serif" };
    const plot = new uPlot(
      {
        width: node.clientWidth || 600,
        height: 240,
        legend: { show: false },
        cursor: { drag: { x: false, y: false } },
        axes: [axis, { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => (tick == null ? "" : shown(tick))) }],
        scales: { y: { range: (_, low, high) => [0, Math.max(high, 1e-9) * 1.1] } },
        series: [{}, ...made.names.map((name, at) => ({ label: name, stroke: ink(INKS[at]), width: 2, dash: DASHES[at], points: { show: made.times.length < 40, size: 5 } }))],
      },
      [made.times, ...made.values],
      node,
    );
    const sizes = new ResizeObserver(() => plot.setSize({ width: node.clientWidth, height: 240 }));
    sizes.observe(node);
    return () => {
      sizes.disconnect();
      plot.destroy();
    };
  }, [key, document.documentElement.dataset.theme]);
  return html`<div class="plot" ref=${box} role="img" aria-label=${`${title} over time by ${made.names.join(", ")}`}></div>`;
}
