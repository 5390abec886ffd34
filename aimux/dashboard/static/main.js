// The page: who may see it, where it is, what it says while nobody looks.

import { html, render, useEffect, useState } from "./vendor/htm-preact.js";
import { enter, whenRefused } from "./api.js";
import { Clis } from "./clis.js";
import { runFeed, stopFeed } from "./feed.js";
import { took } from "./format.js";
import { InvestigationView, Investigations } from "./investigations.js";
import { JobView } from "./job.js";
import { Jobs, Waiting } from "./jobs.js";
import { store } from "./store.js";
import { Notices, useNow, useStore } from "./ui.js";

const THEME = "aimux.theme";
const THEMES = ["", "light", "dark"];
const LOST_MS = 4000;
const KEYS = [
  ["w", "what waits for you"], ["g", "all jobs"], ["i", "investigations"], ["c", "CLIs"], ["/", "filter or search"], ["j k ↓ ↑", "next, previous job"],
  ["← →", "close, open turns of a job"], ["x", "choose a job"], ["Enter", "open a job"], ["1 – 5", "parts of a job"], ["u", "up: from a job to all"], ["t", "light, dark, as the system"], ["?", "these keys"],
];

const DENIED = {
  link_unknown: ["This link is not known here", "The daemon was restarted since the link was made, or the link was not copied whole."],
  link_used: ["This link has been used already", "Each link opens the page once, so that nobody can follow it after you."],
  link_expired: ["This link is too old", "A link is good for two minutes."],
  pass_over: ["Your visit is over", "The pass of this page has expired, or the daemon has another token now."],
  no_pass: ["A link is needed", "This page shows what your CLIs do, so it opens only with a link that you made yourself."],
  unreachable: ["The daemon does not answer", "It may have stopped. The command below starts it."],
};

function Denied({ code, message }) {
  const [title, why] = DENIED[code] ?? ["This page cannot be opened", message ?? ""];
  return html`<main class="denied"><h1>${title}</h1><p>${why}</p><p>In a terminal on this machine, run</p><pre><code>aimux dashboard</code></pre><p>It opens the page; <code>aimux dashboard --no-open</code> prints the link instead.</p></main>`;
}

function useRoute() {
  const read = () => location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  const [route, setRoute] = useState(read);
  useEffect(() => {
    const tell = () => setRoute(read());
    addEventListener("hashchange", tell);
    return () => removeEventListener("hashchange", tell);
  }, []);
  return route;
}

// Title and icon say what waits, also in a tab that nobody looks at.
function announce(waits, works) {
  document.title = waits ? `(${waits}) waits – aimux` : works ? `▶ ${works} at work – aimux` : "aimux";
  const icon = document.getElementById("icon");
  const wanted = `icon-${waits ? "waiting" : works ? "working" : "idle"}.svg`;
  if (!icon.href.endsWith(wanted)) icon.href = wanted;
}

function useTheme() {
  const [theme, setTheme] = useState(() => localStorage.getItem(THEME) ?? "");
  useEffect(() => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    localStorage.setItem(THEME, theme);
  }, [theme]);
  return [theme, () => setTheme(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length])];
}

function Link() {
  const { state, since, why } = store.link;
  const now = useNow(state !== "live");
  if (state === "live") return html`<span class="link tone-good" title=${`aimux ${store.facts.version}`}>● live</span>`;
  const isLong = Date.now() - since > LOST_MS;
  return html`<span class="link tone-warn" role="status">○ ${state === "connecting" ? "connecting" : "lost, trying again"}${isLong && now ? ` (${took(Date.now() - since)})` : ""}${isLong ? html` <span class="hint">${why || "aimux dashboard starts the daemon"}</span>` : null}</span>`;
}

function App({ denied }) {
  useStore();
  const [view = "", id = "", tab = ""] = useRoute();
  const [theme, nextTheme] = useTheme();
  const [hasHelp, setHelp] = useState(false);
  const { questions, failed, paused } = store.waiting();
  const waits = questions.length + failed.length + paused.length;
  const works = store.working().length;
  useEffect(() => announce(denied ? 0 : waits, denied ? 0 : works), [waits, works, denied]);
  useEffect(() => {
    const onKey = (event) => {
      if (event.key === "Escape") {
        setHelp(false);
        if (event.target.matches("input, textarea")) event.target.blur();
        return;
      }
      if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
      const does = {
        w: () => (location.hash = "#/"),
        g: () => (location.hash = "#/jobs"),
        c: () => (location.hash = "#/clis"),
        i: () => (location.hash = "#/investigations"),
        u: () => (location.hash = "#/jobs"),
        t: nextTheme,
        "?": () => setHelp(!hasHelp),
        "/": () => {
          const field = document.querySelector("#log-search, #filter");
          if (field) field.focus();
          else location.hash = "#/jobs";
        },
      }[event.key];
      if (does) {
        event.preventDefault();
        does();
      } else if (view === "job" && /^[1-5]$/.test(event.key)) {
        document.querySelectorAll(".tabs a")[Number(event.key) - 1]?.click();
      } else if (view === "jobs" && ["j", "k", "ArrowDown", "ArrowUp"].includes(event.key) && !event.target.closest(".view")) {
        document.querySelector(".scroller.jobs")?.focus();
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [hasHelp, view, theme]);
  useEffect(() => {
    document.querySelector("main")?.scrollTo?.(0, 0);
  }, [view, id]);
  if (denied) return html`<${Denied} ...${denied} />`;
  const current = (name) => (view === name ? "page" : undefined);
  return html`
    <a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); document.querySelector("main").focus(); }}>To the content</a>
    <header class="top"><a class="brand" href="#/">aimux</a>
      <nav aria-label="Views"><a href="#/" aria-current=${current("")}>Waiting${waits ? html` <span class="count hot">${waits}</span>` : null}</a><a href="#/jobs" aria-current=${current("jobs")}>Jobs${works ? html` <span class="count">${works}</span>` : null}</a><a href="#/investigations" aria-current=${current("investigations")}>Investigations</a><a href="#/clis" aria-current=${current("clis")}>CLIs</a></nav>
      <span class="push"></span><${Link} />
      <button type="button" class="small" title="light, dark, or as the system (t)" onClick=${nextTheme}>${{ "": "◐ auto", light: "○ light", dark: "● dark" }[theme]}</button>
      <button type="button" class="small" aria-expanded=${String(hasHelp)} title="keys (?)" onClick=${() => setHelp(!hasHelp)}>?</button></header>
    ${hasHelp ? html`<dialog open class="help" aria-label="Keys"><h2>Keys</h2><dl>${KEYS.map(([key, what]) => html`<dt><kbd>${key}</kbd></dt><dd>${what}</dd>`)}</dl><button type="button" onClick=${() => setHelp(false)}>Close</button></dialog>` : null}
    <main id="main" tabindex="-1">${view === "jobs" ? html`<${Jobs} />` : view === "clis" ? html`<${Clis} />` : view === "investigations" ? html`<${Investigations} />` : view === "investigation" ? html`<${InvestigationView} key=${id} id=${id} />` : view === "job" ? html`<${JobView} key=${id} id=${id} tab=${tab} />` : html`<${Waiting} />`}</main>
    <${Notices} />`;
}

const root = document.getElementById("app");
const draw = (denied = null) => render(html`<${App} denied=${denied} />`, root);

whenRefused((code) => {
  stopFeed();
  draw({ code });
});

async function start() {
  try {
    await enter();
  } catch (fault) {
    root.replaceChildren();
    draw({ code: fault.code, message: fault.message });
    return;
  }
  root.replaceChildren();
  draw();
  runFeed();
}

// A link that is pasted into a page that is open is a visit of its own.
addEventListener("hashchange", () => {
  if (location.hash.startsWith("#link=")) location.reload();
});

start();
