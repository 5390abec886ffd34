// Words and figures for people; and what makes text from anywhere harmless to look at.

// Each state has a mark and a word: nothing is told by colour alone.
export const STATES = {
  queued: { mark: "…", word: "queued", tone: "quiet" },
  running: { mark: "▶", word: "running", tone: "work" },
  completed: { mark: "✓", word: "completed", tone: "good" },
  partial: { mark: "◐", word: "partial", tone: "warn" },
  failed: { mark: "✗", word: "failed", tone: "bad" },
  cancelled: { mark: "–", word: "cancelled", tone: "quiet" },
  timed_out: { mark: "◷", word: "timed out", tone: "bad" },
  aborted: { mark: "⚡", word: "aborted", tone: "bad" },
};
export const OPEN = new Set(["queued", "running"]);
export const BAD = new Set(["failed", "timed_out", "aborted"]);

export const isOpen = (row) => OPEN.has(row.status);

// Characters that move, hide or turn text around are shown instead of obeyed.
const ODD =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udfff]/g;
const named = (odd) => {
  const code = odd.codePointAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
};
export const visible = (text) => String(text ?? "").replace(/\r\n?/g, "\n").replace(ODD, named);
export const oneLine = (text, most = 300) => visible(String(text ?? "").slice(0, most * 2)).replace(/\s+/g, " ").slice(0, most);

export function took(milliseconds) {
  if (milliseconds == null || !Number.isFinite(milliseconds)) return "";
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

export function ago(at, now) {
  if (at == null) return "";
  const seconds = Math.max(0, now - at) / 1000;
  if (seconds < 45) return "now";
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min`;
  if (seconds < 86400) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

export const when = (at) => (at == null ? "" : new Date(at).toLocaleString());
export const clock = (at) => (at == null ? "" : new Date(at).toLocaleTimeString());

export function count(number) {
  if (number == null) return "–";
  if (number < 10000) return String(Math.round(number));
  if (number < 1e6) return `${(number / 1e3).toFixed(number < 1e5 ? 1 : 0)} k`;
  return `${(number / 1e6).toFixed(1)} M`;
}
export const cost = (usd) => (usd ? `$${usd < 0.01 ? usd.toFixed(4) : usd.toFixed(2)}` : "");

export function tokens(usage) {
  if (!usage) return "";
  const parts = [];
  if (usage.input_tokens != null) parts.push(`${count(usage.input_tokens)} in`);
  if (usage.output_tokens != null) parts.push(`${count(usage.output_tokens)} out`);
  if (usage.cost_usd) parts.push(cost(usage.cost_usd));
  return parts.join(" · ");
}

export const plural = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

// A question that wants yes or no is an approval.
export const isApproval = (text) => /[([]\s*y(?:es)?\s*\/\s*no?\b[^)\]]*[)\]]|\b(?:allow|approve|permit|proceed)\b[^?]{0,200}\?/i.test(String(text));
