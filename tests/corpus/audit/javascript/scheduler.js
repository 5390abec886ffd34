const { Worker } = require("node:worker_threads");

process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";

const limits = new Map();

function next(queue) {
  switch (queue.kind) {
    case "fast":
      return queue.items.shift();
    default:
      return queue.items.pop();
  }
}

function merge(target, source) {
  for (const key in source) {
    if (Object.hasOwn(source, key)) target[key] = source[key];
  }
  return target;
}

function each(list, visit) {
  for (const index in list) {
    visit(list[index], index + 1);
  }
}

function isEmpty(value) {
  return value === "" || value === null || value === undefined;
}

function start(file) {
  const worker = new Worker(file);
  worker.on("error", (error) => console.error(error));
  return worker;
}

function retry(task, times) {
  return task().catch(() => {});
}

function retryWell(task, times) {
  return task().catch((error) => (times > 0 ? retryWell(task, times - 1) : Promise.reject(error)));
}

function limit(name) {
  if (!limits.has(name)) limits.set(name, 10);
  return limits.get(name);
}

function deepCopy(job) {
  return JSON.parse(JSON.stringify(job));
}

module.exports = { next, merge, each, isEmpty, start, retry, retryWell, limit, deepCopy };
