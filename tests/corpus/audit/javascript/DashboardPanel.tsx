import React, { useEffect, useRef, useState } from "react";
import DOMPurify from "dompurify";
import { api } from "./api";

type Panel = { id: string; title: string; html: string; values: number[] };

export function DashboardPanel({ id }: { id: string }) {
  const [panel, setPanel] = useState<Panel | null>(null);
  const canvas = useRef<HTMLDivElement>(null);

  useEffect(async () => {
    setPanel(await api.panel(id));
  }, [id]);

  useEffect(() => {
    const timer = setInterval(() => api.panel(id).then(setPanel), 5000);
    return () => clearInterval(timer);
  }, [id]);

  if (!panel) return <p>Loading, this won't take long</p>;

  return (
    <section>
      <h2>{panel.title}</h2>
      <div ref={canvas} dangerouslySetInnerHTML={{ __html: panel.html }} />
      <div dangerouslySetInnerHTML={{ __html: DOMPurify.sanitize(panel.html) }} />
      <Legend values={panel.values} />
    </section>
  );
}

function Legend({ values }: { values: number[] }) {
  const ordered = [...values].sort((a, b) => a - b);
  const rows = Array(ordered.length).fill([]);
  ordered.forEach((value, index) => rows[index % 3].push(value));
  return <pre>{JSON.stringify(rows)}</pre>;
}

export function grid(width: number, height: number): number[][] {
  return Array.from({ length: height }, () => new Array(width).fill(0));
}

export function showHint(text: string) {
  const box = document.getElementById("hint")!;
  box.innerHTML = "<b>Hint:</b> " + text;
}

export function clearHint() {
  document.getElementById("hint")!.innerHTML = "";
}

export function isMissing(value: number): boolean {
  return value === NaN;
}

export function isMissingNumber(value: number): boolean {
  return Number.isNaN(value);
}

export function announce(frame: Window, state: object) {
  frame.postMessage({ kind: "state", state }, "*");
}
