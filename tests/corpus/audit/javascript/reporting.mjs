import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import express from "express";
import cors from "cors";

const app = express();
app.use(cors({ origin: "*", credentials: true }));
app.use("/public", cors({ origin: "*" }));

const DATABASE = "postgres://report:Kx9vQ2mL7p@db.internal:5432/report";
const DATABASE_FROM_ENV = process.env.DATABASE_URL ?? "postgres://localhost:5432/report";

export function storePassword(user, password) {
  user.passwordHash = createHash("sha1").update(password).digest("hex");
  return user;
}

export function fingerprint(asset) {
  return createHash("sha1").update(asset).digest("hex").slice(0, 8);
}

app.get("/template", async (req, res) => {
  const page = readFileSync("templates/page.html", "utf8");
  res.send(page.replace("{{title}}", "Report"));
});

const STYLE = readFileSync("templates/style.css", "utf8");
app.get("/style.css", (req, res) => res.type("css").send(STYLE));

app.get("/leave", (req, res) => {
  res.redirect(req.query.to);
});

app.get("/home", (req, res) => {
  res.redirect("/dashboard");
});

export function kindOf(value) {
  if (typeof value === "undefind") return "none";
  if (typeof value === "bigint") return "number";
  return typeof value;
}

export function has(list, item) {
  return list.indexOf(item) ? "yes" : "no";
}

export function hasTag(list, item) {
  return list.indexOf(item) !== -1;
}

export function numbers(texts) {
  return texts.map(parseInt);
}

export function integers(texts) {
  return texts.map((text) => parseInt(text, 10));
}

export function compute(source, values) {
  const formula = new Function("values", `return ${source}`);
  return formula(values);
}
