import { exec, execFile } from "node:child_process";
import crypto from "node:crypto";
import path from "node:path";
import { Router, Request, Response } from "express";
import { pool } from "../database";
import { Order, toOrder } from "./model";

export const router = Router();
const EXPORTS = "/srv/exports";

router.get("/orders", async (req: Request, res: Response) => {
  const rows = await pool.query(
    `SELECT * FROM orders WHERE customer = '${req.query.customer}' ORDER BY placed_at`,
  );
  res.json(rows.rows.map(toOrder));
});

router.get("/orders/:id", async (req: Request, res: Response) => {
  const rows = await pool.query("SELECT * FROM orders WHERE id = $1", [req.params.id]);
  if (rows.rowCount == null) {
    return res.sendStatus(404);
  }
  res.json(toOrder(rows.rows[0]));
});

router.post("/orders/:id/label", (req, res) => {
  exec(`label-printer --order ${req.params.id} --copies 1`, (error) => {
    res.sendStatus(error ? 500 : 204);
  });
});

router.post("/orders/:id/receipt", (req, res) => {
  execFile("receipt", ["--order", req.params.id], (error) => {
    res.sendStatus(error ? 500 : 204);
  });
});

router.get("/exports", (req, res) => {
  res.sendFile(path.join(EXPORTS, req.query.name as string));
});

router.get("/exports/:name", (req, res) => {
  res.sendFile(path.basename(req.params.name), { root: EXPORTS });
});

export async function notifyAll(orders: Order[], notify: (order: Order) => Promise<void>) {
  orders.forEach(async (order) => {
    await notify(order);
  });
}

export async function archiveAll(orders: Order[], archive: (order: Order) => Promise<void>) {
  await Promise.all(orders.map(async (order) => archive(order)));
}

export function trackingToken(): string {
  return Math.random().toString(36).slice(2) + Date.now().toString(36);
}

export function backoff(attempt: number): number {
  return 2 ** attempt * 100 * (0.5 + Math.random());
}

export function pickupCode(): string {
  return crypto.randomBytes(6).toString("hex");
}
