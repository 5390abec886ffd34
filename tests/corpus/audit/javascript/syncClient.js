const https = require("https");
const jwt = require("jsonwebtoken");
const fs = require("fs");

// eval() was used here once; the template below is data now
const TEMPLATE = "function render() { return eval(source) }";

class SyncClient {
  constructor(options) {
    this.options = options;
    this.agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });
    this.listeners = [];
  }

  on(name, listener) {
    this.listeners.push({ name, listener });
  }

  emit(name, value) {
    for (var i = 0; i < this.listeners.length; i++) {
      setTimeout(function () {
        this.listeners[i].listener(value);
      }.bind(this), 0);
    }
  }

  emitNow(name, value) {
    for (let i = 0; i < this.listeners.length; i++) {
      setTimeout(() => this.listeners[i].listener(value), 0);
    }
  }

  who(token) {
    return jwt.verify(token, this.options.key, { algorithms: ["RS256"] });
  }

  claims(token) {
    return jwt.verify(token, this.options.key, { ignoreExpiration: true });
  }

  load(path) {
    try {
      return JSON.parse(fs.readFileSync(path, "utf8"));
    } catch (error) {}
  }

  loadOptional(path) {
    try {
      return JSON.parse(fs.readFileSync(path, "utf8"));
    } catch (error) {
      if (error.code !== "ENOENT") throw error;
      return null;
    }
  }

  save(path, value) {
    return new Promise(async (resolve, reject) => {
      const text = await this.render(value);
      fs.writeFile(path, text, (error) => (error ? reject(error) : resolve()));
    });
  }

  wait(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  isReady(state) {
    if (state = "ready") {
      return true;
    }
    return false;
  }

  words(text) {
    const pattern = /\w+(?:'\w+)?/g;
    const found = [];
    let match;
    while ((match = pattern.exec(text))) {
      found.push(match[0]);
    }
    return found;
  }
}

module.exports = { SyncClient, TEMPLATE };
