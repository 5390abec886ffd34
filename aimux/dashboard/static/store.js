// What the page knows: jobs by id, as a tree, and who wants to hear of changes.

import { ask } from "./api.js";
import { BAD, OPEN } from "./format.js";

const PAGE = 1000;
const LOADED = 20000; // older ones when somebody asks
const SEEN = "aimux.seen";
const SEEN_KEPT = 2000;
const RECENT_MS = 86400000; // a failure of the day before yesterday waits for nobody

function readSeen() {
  try {
    return new Set(JSON.parse(localStorage.getItem(SEEN) ?? "[]"));
  } catch {
    return new Set();
  }
}

class Store {
  jobs = new Map();
  children = new Map(); // parent -> ids, oldest first
  roots = []; // ids, newest first
  totals = {};
  facts = { version: "", instance: "" };
  link = { state: "connecting", since: Date.now(), why: "" };
  older = null; // cursor of the next page
  isLoading = false;
  seen = readSeen();
  version = 0;
  skew = 0; // of the daemon's clock against ours
  #told = new Set();
  #entryTold = new Set();
  #isPending = false;
  #isSorted = true;

  subscribe(tell) {
    this.#told.add(tell);
    return () => this.#told.delete(tell);
  }

  onEntries(tell) {
    this.#entryTold.add(tell);
    return () => this.#entryTold.delete(tell);
  }

  // At most one drawing a frame, however much is said.
  changed() {
    this.version += 1;
    if (this.#isPending) return;
    this.#isPending = true;
    const tell = () => {
      this.#isPending = false;
      for (const each of [...this.#told]) each();
    };
    if (document.hidden) setTimeout(tell, 250);
    else requestAnimationFrame(tell);
  }

  now() {
    return Date.now() + this.skew;
  }

  connection(state, why = "") {
    if (this.link.state !== state) this.link = { state, since: Date.now(), why };
    else if (why) this.link.why = why;
    this.changed();
  }

  hello(body) {
    this.facts = body;
    this.skew = body.now - Date.now();
    this.connection("live");
  }

  takeRows(body) {
    if (body.totals) this.totals = body.totals;
    if (body.is_first) {
      this.jobs.clear();
      this.older = body.older;
    }
    for (const row of body.rows) this.put(row);
    this.changed();
    if (body.is_first) requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("first view")));
    if (body.is_first) this.loadOlder(LOADED);
  }

  put(row) {
    const known = this.jobs.get(row.id);
    this.jobs.set(row.id, row);
    if (!known) this.#isSorted = false;
  }

  forget(id) {
    if (this.jobs.delete(id)) this.#isSorted = false;
    this.changed();
  }

  takeEntries(body) {
    for (const tell of [...this.#entryTold]) tell(body);
  }

  // The tree, made again only when jobs came or went.
  tree() {
    if (!this.#isSorted) {
      this.children = new Map();
      const roots = [];
      for (const row of this.jobs.values()) {
        if (row.parent && this.jobs.has(row.parent)) {
          const beside = this.children.get(row.parent);
          if (beside) beside.push(row);
          else this.children.set(row.parent, [row]);
        } else roots.push(row);
      }
      const older = (a, b) => a.created - b.created || (a.id < b.id ? -1 : 1);
      for (const beside of this.children.values()) beside.sort(older);
      roots.sort((a, b) => older(b, a));
      this.roots = roots.map((row) => row.id);
      for (const [parent, beside] of this.children) this.children.set(parent, beside.map((row) => row.id));
      this.#isSorted = true;
    }
    return this.roots;
  }

  below(id) {
    this.tree();
    return this.children.get(id) ?? [];
  }

  // Every job below one, itself first.
  family(id) {
    const found = [id];
    for (let at = 0; at < found.length; at += 1) found.push(...this.below(found[at]));
    return found;
  }

  rootOf(id) {
    const passed = new Set();
    let row = this.jobs.get(id);
    while (row?.parent && this.jobs.has(row.parent) && !passed.has(row.id)) {
      passed.add(row.id);
      row = this.jobs.get(row.parent);
    }
    return row;
  }

  // Of the failures in a tree the first is the cause, the others follow from it.
  marks(rootId) {
    const marks = new Map();
    const bad = this.family(rootId).map((id) => this.jobs.get(id)).filter((row) => row && BAD.has(row.status));
    if (!bad.length) return marks;
    const depth = (row) => {
      let deep = 0;
      for (let at = row; at?.parent && this.jobs.has(at.parent) && deep < 50; at = this.jobs.get(at.parent)) deep += 1;
      return deep;
    };
    const first = bad.reduce((a, b) => {
      if (a.finished !== b.finished) return a.finished < b.finished ? a : b;
      return depth(a) >= depth(b) ? a : b;
    });
    for (const row of bad) marks.set(row.id, row === first ? "cause" : "consequence");
    for (const id of this.family(rootId)) {
      const row = this.jobs.get(id);
      if (row?.status === "cancelled" && row.parent && row.finished >= first.finished) marks.set(id, "consequence");
    }
    if (bad.length === 1 && first.id === rootId) marks.delete(rootId);
    return marks;
  }

  async loadOlder(most = Infinity) {
    if (this.isLoading) return;
    this.isLoading = true;
    try {
      while (this.older && this.jobs.size < most) {
        const page = await ask("jobs", { cursor: this.older, limit: PAGE });
        for (const row of page.rows) if (!this.jobs.has(row.id)) this.put(row);
        this.older = page.older;
        this.changed();
        if (most === Infinity) break;
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    } catch {
      // the feed says what is wrong with the connection
    } finally {
      this.isLoading = false;
      this.changed();
    }
  }

  // ------------------------------------------------------------------ what waits for me

  see(ids) {
    for (const id of ids) this.seen.add(id);
    const kept = [...this.seen].slice(-SEEN_KEPT);
    localStorage.setItem(SEEN, JSON.stringify(kept));
    this.changed();
  }

  waiting() {
    const questions = [];
    const failed = [];
    const paused = [];
    const since = this.now() - RECENT_MS;
    for (const row of this.jobs.values()) {
      if (row.questions?.length) questions.push(row);
      if (OPEN.has(row.status) || row.finished < since || this.seen.has(row.id)) continue;
      if (row.parent && this.jobs.has(row.parent)) continue;
      if (row.state === "needs_human" || row.resumable_from) paused.push(row);
      else if (BAD.has(row.status)) failed.push(row);
    }
    const later = (a, b) => (b.finished ?? b.created) - (a.finished ?? a.created);
    questions.sort((a, b) => a.created - b.created);
    return { questions, failed: failed.sort(later), paused: paused.sort(later) };
  }

  working() {
    const found = [];
    for (const row of this.jobs.values()) if (OPEN.has(row.status) && !row.questions?.length) found.push(row);
    return found.sort((a, b) => a.created - b.created);
  }
}

export const store = new Store();
