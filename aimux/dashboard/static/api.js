// The way to the daemon: the pass, JSON questions, and calls of the same tools that every client has.

const KEPT = "aimux.pass";
const MCP = "2026-07-28";
const ASK_OTHERS_MS = 250;

export class Fault extends Error {
  constructor(message, { status = 0, code = "", hint = "" } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

let pass = sessionStorage.getItem(KEPT) ?? "";
let endpoint = "/mcp";
let onRefused = () => {};
export const setEndpoint = (path) => {
  endpoint = path || endpoint;
};
export const whenRefused = (tell) => {
  onRefused = tell;
};

function keep(given) {
  pass = given;
  if (given) sessionStorage.setItem(KEPT, given);
  else sessionStorage.removeItem(KEPT);
}

// Tabs of this page hand the pass to each other, so that a link can be opened in another tab.
const others = new BroadcastChannel("aimux");
others.onmessage = ({ data }) => {
  if (data === "pass?" && pass) others.postMessage({ pass });
};

function askOthers() {
  return new Promise((resolve) => {
    const channel = new BroadcastChannel("aimux");
    const done = (given) => {
      channel.close();
      resolve(given);
    };
    const timer = setTimeout(() => done(""), ASK_OTHERS_MS);
    channel.onmessage = ({ data }) => {
      if (typeof data?.pass === "string") {
        clearTimeout(timer);
        done(data.pass);
      }
    };
    channel.postMessage("pass?");
  });
}

// Take the link's token out of the address and exchange it. Throws a Fault that says what to do.
export async function enter() {
  const linkToken = /^#link=([\w-]+)/.exec(location.hash)?.[1];
  if (!linkToken) {
    if (!pass) keep(await askOthers());
    return;
  }
  history.replaceState(null, "", `${location.pathname}#/`);
  let response;
  try {
    response = await fetch("api/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ link_token: linkToken }),
    });
  } catch {
    throw new Fault("the daemon does not answer", { code: "unreachable", hint: "aimux daemon status" });
  }
  const body = await response.json().catch(() => ({}));
  if (response.ok) keep(body.pass);
  else if (!pass) throw new Fault(body.error?.message ?? `answered ${response.status}`, { status: response.status, ...body.error });
}

export const headers = () => (pass ? { Authorization: `Bearer ${pass}` } : {});

export function refused() {
  const had = Boolean(pass);
  keep("");
  onRefused(had ? "pass_over" : "no_pass");
}

async function send(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: { ...headers(), ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Fault("the daemon does not answer", { code: "unreachable" });
  }
  if (response.status === 401) {
    refused();
    throw new Fault("a link of `aimux dashboard` is needed", { status: 401, code: "no_pass" });
  }
  return response;
}

export async function ask(name, given = {}, signal = undefined) {
  const query = new URLSearchParams(given).toString();
  const response = await send(`api/${name}${query ? `?${query}` : ""}`, { signal });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) {
    const told = body.error ?? {};
    throw new Fault(told.message ?? `answered ${response.status}`, { status: response.status, code: told.code, hint: told.hint });
  }
  return body;
}

let lastId = 0;
async function rpc(method, name, params) {
  lastId += 1;
  const response = await send(endpoint, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: "application/json, text/event-stream",
      "MCP-Protocol-Version": MCP,
      "Mcp-Method": method,
      "Mcp-Name": name,
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: lastId,
      method,
      params: {
        ...params,
        _meta: {
          "io.modelcontextprotocol/protocolVersion": MCP,
          "io.modelcontextprotocol/clientCapabilities": {},
          "io.modelcontextprotocol/clientInfo": { name: "aimux-dashboard", version: "1" },
        },
      },
    }),
  });
  const text = await response.text();
  const message = final(text, response.headers.get("content-type") ?? "");
  if (!message) throw new Fault(`the daemon answered ${response.status}`, { status: response.status });
  if (message.error) throw new Fault(message.error.message, { code: String(message.error.code), hint: message.error.data?.hint });
  return message.result ?? {};
}

function final(text, kind) {
  try {
    if (!kind.startsWith("text/event-stream")) return JSON.parse(text);
    const datas = text.split(/\n\n/).map((frame) => frame.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart()).join("\n"));
    return datas.filter(Boolean).map((data) => JSON.parse(data)).findLast((message) => "result" in message || "error" in message);
  } catch {
    return null;
  }
}

// Call a tool; a job that failed is content, a call that was refused is a Fault.
export async function call(tool, given) {
  const result = await rpc("tools/call", tool, { name: tool, arguments: given });
  const body = result.structuredContent ?? {};
  if (result.isError && body.error && !body.job_id) throw new Fault(body.error.message, { code: body.error.code, hint: body.error.hint ?? "" });
  return body;
}

export async function readResource(uri) {
  const result = await rpc("resources/read", uri, { uri });
  return result.contents?.[0]?.text ?? "";
}
