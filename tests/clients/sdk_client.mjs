// What the official TypeScript SDK makes of aimux.
// Arguments: transport (stdio, http, sse), mode (legacy, auto), target (URL or a JSON list of words).
// Prints one line of JSON with what was seen.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// the packages are installed in the working directory, not beside this file
const find = createRequire(process.env.CLIENT_MODULES + "/package.json");
const load = async (name) => import(pathToFileURL(find.resolve(name)).href);
const { Client, SSEClientTransport, StreamableHTTPClientTransport } = await load("@modelcontextprotocol/client");
const { StdioClientTransport } = await load("@modelcontextprotocol/client/stdio");

const [transport, mode, target] = process.argv.slice(2);
const requestInit = { headers: { Authorization: `Bearer ${process.env.AIMUX_AUTH_TOKEN}` } };

function open() {
  if (transport === "stdio") {
    const [command, ...args] = JSON.parse(target);
    return new StdioClientTransport({ command, args, env: process.env, cwd: process.cwd() });
  }
  if (transport === "sse") return new SSEClientTransport(new URL(target), { requestInit });
  return new StreamableHTTPClientTransport(new URL(target), { requestInit });
}

const capabilities = { elicitation: { form: {} } };
const client = new Client({ name: "clients", version: "1" }, { capabilities, versionNegotiation: { mode } });
let asked = 0;
client.setRequestHandler("elicitation/create", async () => {
  asked += 1;
  return { action: "accept", content: { answer: "yes please" } };
});
await client.connect(open());
const seen = { version: client.getNegotiatedProtocolVersion?.() ?? "?" };
seen.tools = (await client.listTools()).tools.length;

let steps = 0;
const call = (prompt, more = {}, args = {}) =>
  client.callTool(
    { name: "exec", arguments: { prompt, cli: "codex", ...args } },
    { onprogress: () => (steps += 1), ...more },
  );
const done = await call("[[sleep 1]] [[say 5]] hello");
seen.status = done.structuredContent?.status;
seen.progress = steps;

const told = await call("[[fault ask 2]] [[say 5]]", {}, { tty: true });
seen.typed = told.structuredContent?.content.split("yes please").length - 1;
seen.asked = asked;

const found = await client.complete({
  ref: { type: "ref/resource", uri: "aimux://clis/{name}" },
  argument: { name: "name", value: "cod" },
});
seen.completed = found.completion.values;
const agent = { action: "run", agent_id: "generalist", prompt: "hello", cli: "gemini" };
seen.agent = (await client.callTool({ name: "agents", arguments: agent })).structuredContent?.status;
const begun = await client.callTool({ name: "background", arguments: { prompt: "[[say 5]] hello", cli: "codex" } });
const later = { job_id: begun.structuredContent?.job_id, wait_seconds: 60 };
seen.background = (await client.callTool({ name: "status", arguments: later })).structuredContent?.status;
seen.prompts = (await client.listPrompts()).prompts.length;
const shown = await client.getPrompt({ name: "debug", arguments: { error: "it hangs" } });
seen.prompt = shown.messages[0].content.text;

const stop = new AbortController();
const before = steps;
const slow = call("[[sleep 300]] go", { signal: stop.signal }).catch(() => null);
while (steps === before) await new Promise((wake) => setTimeout(wake, 50));
stop.abort("enough");
await slow;
let running = 0;
for (let tries = 0; tries < 150; tries += 1) {
  const listed = await client.callTool({ name: "sessions", arguments: { action: "list", status: "active" } });
  running = listed.structuredContent?.count;
  if (running === 0) break;
  await new Promise((wake) => setTimeout(wake, 100));
}
seen.left_running = running;
await client.close();
console.log(JSON.stringify(seen));
