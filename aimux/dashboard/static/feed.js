// The event stream: read by hand, because it carries a pass, and opened again where it stopped.

import { headers, refused, setEndpoint } from "./api.js";
import { store } from "./store.js";

const FIRST_MS = 300;
const MOST_MS = 5000;
const SILENT_MS = 45000; // the daemon says something every 15 s

let lastId = "";
let watched = { job: "", after: -1 };
let abort = new AbortController();
let wake = () => {};
let isStopped = false;

// Look at a job from a sequence number on; "" looks at none.
export function watch(job, after = -1) {
  if (watched.job === job) return;
  watched = { job, after };
  abort.abort();
  wake();
}

export function stopFeed() {
  isStopped = true;
  abort.abort();
}

export async function runFeed() {
  let pause = FIRST_MS;
  while (!isStopped) {
    abort = new AbortController();
    const wanted = watched;
    try {
      await readOnce(abort.signal, () => {
        pause = FIRST_MS;
      });
    } catch (error) {
      if (error.name === "AbortError" && wanted !== watched) continue;
    }
    if (isStopped) return;
    if (wanted !== watched) continue;
    store.connection("lost");
    await new Promise((resolve) => {
      wake = resolve;
      setTimeout(resolve, pause);
    });
    pause = Math.min(MOST_MS, pause * 1.7);
  }
}

async function readOnce(signal, heard) {
  const query = new URLSearchParams();
  if (watched.job) {
    query.set("job", watched.job);
    if (watched.after >= 0) query.set("after", String(watched.after));
  }
  const response = await fetch(`api/feed?${query}`, {
    signal,
    cache: "no-store",
    headers: { ...headers(), ...(lastId ? { "Last-Event-ID": lastId } : {}) },
  });
  if (response.status === 401) {
    isStopped = true;
    refused();
    return;
  }
  if (!response.ok) {
    const body = await response.json().catch(() => ({}));
    store.connection("lost", body.error?.message);
    return;
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let timer = 0;
  try {
    for (;;) {
      clearTimeout(timer);
      timer = setTimeout(() => reader.cancel().catch(() => {}), SILENT_MS);
      const { value, done } = await reader.read();
      if (done) return;
      const frames = (rest + value).split("\n\n");
      rest = frames.pop();
      for (const frame of frames) take(frame, heard);
    }
  } finally {
    clearTimeout(timer);
  }
}

function take(frame, heard) {
  let name = "message";
  let id = null;
  const data = [];
  for (const line of frame.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    else if (line.startsWith("id: ")) id = line.slice(4);
    else if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
  }
  if (!data.length) return;
  const body = JSON.parse(data.join("\n"));
  if (name === "hello") {
    heard();
    setEndpoint(body.endpoint);
    store.hello(body);
  } else if (name === "rows") {
    store.takeRows(body);
  } else if (name === "entries") {
    const entries = body.entries;
    if (watched.job === body.job) watched.after = entries.length ? entries[entries.length - 1].seq : watched.after;
    store.takeEntries(body);
  } else if (name === "gone") {
    store.forget(body.job);
  }
  if (id !== null) lastId = id;
}
