import fs from "node:fs";
import { spawn, execSync } from "node:child_process";

type Upload = { name: string; size: number; retries: number };

export class UploadQueue {
  private readonly waiting: Upload[] = [];
  private paused = false;

  push(upload: Upload) {
    this.waiting.push(upload);
  }

  async drain(send: (upload: Upload) => Promise<void>) {
    await this.waiting.map(async (upload) => send(upload));
    this.waiting.length = 0;
  }

  async drainInOrder(send: (upload: Upload) => Promise<void>) {
    for (const upload of this.waiting) {
      await send(upload);
    }
  }

  largest(sizes: number[]) {
    return sizes.sort()[sizes.length - 1];
  }

  names() {
    return this.waiting.map((upload) => upload.name).sort();
  }

  checksum(name: string) {
    return execSync("sha256sum " + name).toString().split(" ")[0];
  }

  compress(name: string) {
    return spawn("gzip", ["--keep", name]);
  }

  version() {
    return execSync("gzip --version").toString();
  }

  copy(upload: Upload): Upload {
    return { ...upload };
  }

  load(path: string) {
    try {
      this.waiting.push(...JSON.parse(fs.readFileSync(path, "utf8")));
    } catch {
      // the first start has no file, and a torn one is as good as none
    }
  }

  report(listener: (error: unknown) => void) {
    try {
      this.check();
    } catch (error) {
    }
    listener(null);
  }

  private check() {
    if (this.paused === true && this.waiting.length > 1000) throw new Error("too many uploads");
  }
}
