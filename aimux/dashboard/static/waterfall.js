// Bars over time: waiting for a slot, running, silence. Patterns tell them apart, not colours alone.

import { html } from "./vendor/htm-preact.js";
import { isOpen, oneLine, plural, STATES, took } from "./format.js";
import { useNow } from "./ui.js";

const SILENT_MS = 10000;
const share = (value, span) => `${Math.max(0, Math.min(100, (value / span) * 100)).toFixed(3)}%`;

function Bar({ kind, from, to, span, title, tone = "" }) {
  const width = Math.max(0, to - from);
  return html`<span class=${`bar bar-${kind} ${tone}`} title=${title} style=${{ left: share(from, span), width: `max(2px, ${share(width, span)})` }}></span>`;
}

// One job in a list, against the time of its whole tree.
export function JobBar({ row, root, now }) {
  const begin = root.created;
  const end = Math.max(begin + 1, isOpen(root) || isOpen(row) ? now : Math.max(root.finished ?? 0, row.finished ?? 0));
  const span = end - begin;
  const started = row.started ?? (isOpen(row) ? now : row.finished ?? row.created);
  const finished = row.finished ?? now;
  const tone = `tone-${STATES[row.status]?.tone ?? "quiet"}`;
  return html`<span class="track" role="img" aria-label=${`waited ${took(started - row.created)}, ran ${row.started ? took(finished - row.started) : "not"}`}>
    ${started - row.created > span * 0.004 ? html`<${Bar} kind="queue" from=${row.created - begin} to=${started - begin} span=${span} title=${`waited ${took(started - row.created)}`} />` : null}
    ${row.started ? html`<${Bar} kind=${isOpen(row) ? "growing" : "run"} tone=${tone} from=${row.started - begin} to=${finished - begin} span=${span} title=${`ran ${took(finished - row.started)}`} />` : null}
  </span>`;
}

// One turn in a list, against the time of the whole tree of its job.
export function TurnBar({ turn, row, root, now }) {
  const begin = root.created;
  const end = Math.max(begin + 1, isOpen(root) || isOpen(row) ? now : Math.max(root.finished ?? 0, row.finished ?? 0));
  const at = (seconds) => row.created + seconds * 1000 - begin;
  const first = turn.attempts[0];
  const last = turn.attempts[turn.attempts.length - 1];
  const queued = turn.queued ?? first?.begin ?? 0;
  const tone = `tone-${STATES[turn.status]?.tone ?? "quiet"}`;
  return html`<span class="track" role="img" aria-label=${plural(turn.attempts.length, "attempt")}>
    ${first && first.begin <= queued ? null : html`<${Bar} kind="queue" from=${at(queued)} to=${first ? at(first.begin) : end - begin} span=${end - begin} title="waited for a slot" />`}
    ${turn.attempts.map((each, index) => html`<${Bar} key=${index} kind=${each.end == null && isOpen(row) ? "growing" : "run"} tone=${each === last ? tone : "tone-bad"} from=${at(each.begin)} to=${each.end == null ? end - begin : at(each.end)} span=${end - begin} title=${`${each.cli}${each.code ? `, ${each.code}` : ""}`} />`)}
  </span>`;
}

const MARKS = { cause: "◆ first cause", consequence: "↳ consequence" };
export const Mark = ({ mark }) => (mark ? html`<span class=${`cause-mark mark-${mark}`}>${MARKS[mark]}</span>` : null);

// The turns and attempts of one job.
export function Waterfall({ row, timeline }) {
  const isLive = isOpen(row);
  const now = useNow(isLive, 500);
  if (!timeline.turns.length) return html`<p class="plain">No turn has begun yet${row.position ? `: number ${row.position} in the queue` : ""}.</p>`;
  const lived = (isLive ? now - row.created : (row.finished ?? row.created) - row.created) / 1000;
  const ends = timeline.turns.map((turn) => turn.end ?? (isLive ? lived : 0));
  const span = Math.max(0.001, lived, timeline.finished ?? 0, ...ends);
  // nobody has said anything since then: a silence that goes on
  const quiet = isLive && row.last_event_at && now - row.last_event_at > SILENT_MS ? (row.last_event_at - row.created) / 1000 : null;
  return html`<div class="waterfall" role="table" aria-label="Turns and attempts over time">
    <div class="wf-row wf-head" role="row">
      <span role="columnheader">turn</span><span role="columnheader">CLI</span>
      <span role="columnheader" class="wf-scale"><span>0</span><span>${took((span * 1000) / 2)}</span><span>${took(span * 1000)}</span></span>
      <span role="columnheader">took</span>
    </div>
    ${timeline.turns.map((turn) => html`<${Turn} key=${turn.turn} turn=${turn} span=${span} end=${lived} quiet=${quiet} />`)}
    <p class="legend"><span class="swatch bar-queue"></span> waits for a slot <span class="swatch bar-run tone-good"></span> runs <span class="swatch bar-quiet"></span> says nothing for 10 s or more <span class="swatch bar-growing tone-work"></span> still running</p>
    ${timeline.notes.length ? html`<ol class="notes">${timeline.notes.map((note) => html`<li key=${note.seq}><span class="dim">${took(note.at * 1000)}</span> <bdi>${oneLine(note.text)}</bdi></li>`)}</ol>` : null}
  </div>`;
}

function Turn({ turn, span, end, quiet }) {
  const first = turn.attempts[0];
  const last = turn.attempts[turn.attempts.length - 1];
  const queued = turn.queued ?? first?.begin ?? 0;
  const stop = turn.end ?? end;
  const tone = `tone-${STATES[turn.status]?.tone ?? "quiet"}`;
  const state = STATES[turn.status];
  const sure = (attempt) => `attempt ${attempt.attempt}: ${attempt.cli}${attempt.model ? ` ${attempt.model}` : ""}, ${took(((attempt.end ?? end) - attempt.begin) * 1000)}${attempt.code ? `, ${attempt.code}` : ""}`;
  return html`<div class=${`wf-turn ${turn.mark ? `is-${turn.mark}` : ""}`}>
    <div class="wf-row" role="row">
      <span role="cell"><span class=${tone}><span class="mark">${state?.mark ?? "?"}</span></span> ${turn.seat ? html`<b>${oneLine(turn.seat, 40)}</b>` : `turn ${turn.turn}`} <${Mark} mark=${turn.mark} /></span>
      <span role="cell" class="dim">${last ? oneLine(`${last.cli} ${last.model ?? ""}`, 60) : "–"}</span>
      <span role="cell" class="track">
        ${first && first.begin - queued > span * 0.002 ? html`<${Bar} kind="queue" from=${queued} to=${first.begin} span=${span} title=${`waited ${took((first.begin - queued) * 1000)}`} />` : null}
        ${!first ? html`<${Bar} kind="queue" from=${queued} to=${stop} span=${span} title="waits for a slot" />` : null}
        ${turn.attempts.map((attempt, at) => html`<${Bar} key=${at} kind=${attempt.end == null ? "growing" : "run"} tone=${attempt === last ? tone : "tone-bad"} from=${attempt.begin} to=${attempt.end ?? end} span=${span} title=${sure(attempt)} />`)}
        ${quiet != null && turn.end == null && first ? html`<${Bar} kind="quiet" from=${Math.max(quiet, last.begin)} to=${end} span=${span} title=${`says nothing for ${took((end - Math.max(quiet, last.begin)) * 1000)}`} />` : null}
        ${turn.silences.map(([from, to], at) => html`<${Bar} key=${`s${at}`} kind="quiet" from=${from} to=${to} span=${span} title=${`said nothing for ${took((to - from) * 1000)}`} />`)}
      </span>
      <span role="cell">${took((stop - (first?.begin ?? queued)) * 1000)}</span>
    </div>
    ${turn.attempts.length > 1 ? html`<ol class="attempts">${turn.attempts.map((attempt, at) => html`<li key=${at}>${sure(attempt)}</li>`)}</ol>` : null}
    ${turn.error ? html`<p class="turn-error"><bdi>${turn.error.class}: ${oneLine(turn.error.message, 400)}</bdi></p>` : null}
  </div>`;
}
