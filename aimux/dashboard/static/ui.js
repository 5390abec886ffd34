// Small parts that every view uses.

import { html, useEffect, useLayoutEffect, useRef, useState } from "./vendor/htm-preact.js";
import { STATES } from "./format.js";
import { store } from "./store.js";

// Draw again when the store has changed.
export function useStore() {
  const [, tell] = useState(0);
  useEffect(() => store.subscribe(() => tell(store.version)), []);
  return store;
}

// A clock that ticks while something grows.
export function useNow(isTicking, every = 1000) {
  const [now, setNow] = useState(() => store.now());
  useEffect(() => {
    if (!isTicking) return undefined;
    const timer = setInterval(() => setNow(store.now()), every);
    return () => clearInterval(timer);
  }, [isTicking, every]);
  return isTicking ? Math.max(now, 0) : store.now();
}

export const Status = ({ status, isShort = false }) => {
  const state = STATES[status] ?? { mark: "?", word: String(status), tone: "quiet" };
  return html`<span class=${`status tone-${state.tone}`}><span class="mark" aria-hidden="true">${state.mark}</span><span class=${isShort ? "for-readers" : ""}>${state.word}</span></span>`;
};

export const jobPath = (id, tab = "") => `#/job/${id}${tab ? `/${tab}` : ""}`;

// What an action came to, for everybody: shown, and read out.
const told = new Set();
export function say(text, tone = "good") {
  for (const tell of told) tell({ text, tone, at: Date.now() });
}
export function Notices() {
  const [notices, setNotices] = useState([]);
  useEffect(() => {
    const tell = (notice) => {
      setNotices((before) => [...before.slice(-3), notice]);
      setTimeout(() => setNotices((before) => before.filter((each) => each !== notice)), notice.tone === "bad" ? 12000 : 5000);
    };
    told.add(tell);
    return () => told.delete(tell);
  }, []);
  return html`<div class="notices" role="status" aria-live="polite">
    ${notices.map((each) => html`<p class=${`notice tone-${each.tone}`} key=${each.at + each.text}>${each.tone === "bad" ? "✗ " : "✓ "}${each.text}</p>`)}
  </div>`;
}

// A list of any length: only what is in sight is in the page.
export function VirtualList({ count, rowHeight, draw, label, onSight, isFollowing = false, onFollow, jumpTo, className = "", role = "list" }) {
  const box = useRef(null);
  const [sight, setSight] = useState({ first: 0, last: 40 });
  const isOurs = useRef(false);
  const look = () => {
    const node = box.current;
    if (!node) return;
    const first = Math.max(0, Math.floor(node.scrollTop / rowHeight) - 3);
    const last = Math.min(count, Math.ceil((node.scrollTop + node.clientHeight) / rowHeight) + 3);
    setSight((before) => (before.first === first && before.last === last ? before : { first, last }));
    if (onFollow && !isOurs.current) {
      const isAtEnd = node.scrollTop + node.clientHeight >= node.scrollHeight - rowHeight * 1.5;
      onFollow(isAtEnd);
    }
    isOurs.current = false;
  };
  useLayoutEffect(() => {
    const node = box.current;
    if (node && isFollowing) {
      const end = node.scrollHeight;
      if (node.scrollTop + node.clientHeight < end - 1) {
        isOurs.current = true;
        node.scrollTop = end;
      }
    }
    look();
  }, [count, isFollowing, rowHeight]);
  useLayoutEffect(() => {
    const node = box.current;
    if (!node || jumpTo == null) return;
    const at = jumpTo.index * rowHeight;
    if (at < node.scrollTop || at + rowHeight > node.scrollTop + node.clientHeight) {
      node.scrollTop = jumpTo.isCentred ? Math.max(0, at - node.clientHeight / 2) : at < node.scrollTop ? at : at + rowHeight - node.clientHeight;
    }
    look();
  }, [jumpTo]);
  useEffect(() => {
    let frame = 0;
    const node = box.current;
    const later = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(look);
    };
    node.addEventListener("scroll", later, { passive: true });
    const sizes = new ResizeObserver(later);
    sizes.observe(node);
    return () => {
      cancelAnimationFrame(frame);
      node.removeEventListener("scroll", later);
      sizes.disconnect();
    };
  }, [count, rowHeight, onFollow]);
  const first = Math.min(sight.first, count);
  const last = Math.min(Math.max(sight.last, first), count);
  useEffect(() => onSight?.(first, last), [first, last, count]);
  const rows = [];
  for (let index = first; index < last; index += 1) rows.push(draw(index, { top: `${index * rowHeight}px`, height: `${rowHeight}px` }));
  return html`<div class=${`scroller ${className}`} ref=${box} tabindex="0" role=${role} aria-label=${label}>
    <div class="all" style=${{ height: `${count * rowHeight}px` }}>${rows}</div>
  </div>`;
}

// Ask once, and again when the key changes.
export function useAsked(ask, keys) {
  const [state, setState] = useState({ value: null, fault: null, isAsking: true });
  const [again, setAgain] = useState(0);
  useEffect(() => {
    let isLeft = false;
    setState((before) => ({ ...before, isAsking: true }));
    Promise.resolve()
      .then(ask)
      .then((value) => !isLeft && setState({ value, fault: null, isAsking: false }))
      .catch((fault) => !isLeft && setState((before) => ({ value: before.value, fault, isAsking: false })));
    return () => {
      isLeft = true;
    };
  }, [...keys, again]);
  return { ...state, again: () => setAgain((before) => before + 1) };
}

export const FaultNote = ({ fault }) =>
  fault ? html`<p class="fault" role="alert">✗ ${fault.message}${fault.hint ? html` <span class="hint">${fault.hint}</span>` : null}</p>` : null;

export const copy = async (text, what) => {
  try {
    await navigator.clipboard.writeText(text);
    say(`${what} copied`);
  } catch {
    say(`${what} could not be copied: ${text}`, "bad");
  }
};
