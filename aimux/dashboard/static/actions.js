// What can be done to jobs: each is a call of the sessions tool.

import { html, useState } from "./vendor/htm-preact.js";
import { call } from "./api.js";
import { isApproval, isOpen, plural, visible } from "./format.js";
import { store } from "./store.js";
import { say } from "./ui.js";

const AT_ONCE = 4;
const PATIENCE = 60; // times that a call waits for its turn, when many are sent at once
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const AGAIN = new Set(["exec", "background"]);

async function each(ids, work) {
  const left = [...ids];
  const faults = [];
  let done = 0;
  const one = async () => {
    while (left.length) {
      const id = left.shift();
      for (let times = 0; ; times += 1) {
        try {
          if (await work(id)) done += 1;
        } catch (fault) {
          if (fault.code === "rate_limited" && times < PATIENCE) {
            await pause(500);
            continue;
          }
          faults.push(`${id}: ${fault.message}`);
        }
        break;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, ids.length) }, one));
  return { done, faults };
}

function tell(what, { done, faults }) {
  if (done) say(`${plural(done, "job")} ${what}`);
  else if (!faults.length) say(`nothing was ${what}: already ended`);
  if (faults.length) say(faults.slice(0, 3).join("; ") + (faults.length > 3 ? `; and ${faults.length - 3} more` : ""), "bad");
}

export async function cancel(ids) {
  tell("cancelled", await each(ids, async (id) => (await call("sessions", { action: "cancel", job_id: id })).cancelled));
}

export async function kill(ids) {
  tell("killed", await each(ids, async (id) => (await call("sessions", { action: "kill", session_id: id })).killed > 0));
}

export async function retry(ids, isOpening = false) {
  const made = [];
  const came = await each(ids, async (id) => {
    const body = await call("sessions", { action: "retry", job_id: id });
    made.push(body.job_id);
    return Boolean(body.job_id);
  });
  store.see(ids.filter((id) => !came.faults.some((fault) => fault.startsWith(id))));
  tell("started again", came);
  if (isOpening && made.length === 1) location.hash = `#/job/${made[0]}`;
}

export async function answer(id, text) {
  try {
    await call("sessions", { action: "answer", job_id: id, text });
    say("answered");
    return true;
  } catch (fault) {
    say(`${fault.message}${fault.hint ? `; ${fault.hint}` : ""}`, "bad");
    return false;
  }
}

export async function reset(cli) {
  try {
    await call("sessions", { action: "reset", cli });
    say(`${cli} is asked again`);
  } catch (fault) {
    say(fault.message, "bad");
  }
}

export const canRetry = (row) => !isOpen(row) && AGAIN.has(row.tool) && Boolean(row.session);

// A button that asks once more before it does what cannot be undone.
export function Sure({ text, sure, onSure, isDisabled = false, title = "" }) {
  const [isAsked, setAsked] = useState(false);
  const ask = () => {
    setAsked(true);
    setTimeout(() => setAsked(false), 4000);
  };
  if (!isAsked) return html`<button type="button" disabled=${isDisabled} title=${title} onClick=${ask}>${text}</button>`;
  return html`<button type="button" class="danger" onClick=${() => { setAsked(false); onSure(); }}>${sure}</button>`;
}

export function Answer({ row, question }) {
  const [text, setText] = useState("");
  const [isSending, setSending] = useState(false);
  const send = async (said) => {
    setSending(true);
    if (await answer(row.id, said)) setText("");
    setSending(false);
  };
  const isYesNo = isApproval(question.text);
  return html`<form class="answer" onSubmit=${(event) => { event.preventDefault(); send(text); }}>
    <p class="asked"><span class="label">${question.cli} asks${isYesNo ? " for approval" : ""}</span><bdi>${visible(question.text)}</bdi></p>
    <div class="line">
      ${isYesNo
        ? html`<button type="button" class="main" disabled=${isSending} onClick=${() => send("y")}>Yes (y)</button>
            <button type="button" disabled=${isSending} onClick=${() => send("n")}>No (n)</button>`
        : null}
      <input type="text" aria-label=${`Answer to ${question.cli}`} placeholder=${isYesNo ? "or type an answer" : "Type what the CLI is to get"} value=${text} disabled=${isSending} onInput=${(event) => setText(event.target.value)} />
      <button type="submit" disabled=${isSending || (isYesNo && !text)}>Send</button>
    </div>
  </form>`;
}
