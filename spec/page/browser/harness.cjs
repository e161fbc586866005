// Servers as processes, a real browser, and the results of the tests of make check-page.
"use strict";
const { spawn } = require("node:child_process");
const { createHmac } = require("node:crypto");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { chromium } = require("playwright-core");

const ROOT = path.resolve(__dirname, "../../..");
const SECRET = "sig_sec_0000000000000000000000";
const WAIT_MS = 15000;
const CHROMIUM = process.env.CHROMIUM || "/usr/bin/chromium";

const running = new Set();

// Starts spec/page/browser/server.lua with options. Its `stop` waits until the process has ended.
async function startServer(options = {}) {
  const child = spawn(path.join(ROOT, "tools/with-lua"), [process.env.LUA || "5.4", path.join(__dirname, "server.lua"),
    JSON.stringify({ secret: SECRET, write: true, ...options })], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const server = { pid: child.pid, stop: async (signal = "SIGKILL") => { child.kill(signal); await ended; running.delete(server); } };
  running.add(server);
  let output = "";
  await new Promise((resolve, reject) => {
    child.stdout.on("data", (data) => { output += data; if (output.includes("\n")) resolve(); });
    child.on("exit", () => reject(new Error("the server ended: " + output)));
  });
  [, server.page, server.receiver] = output.match(/^page (\S+) receiver (\S+)/);
  return server;
}

const sign = (body, secret = SECRET) => createHmac("sha256", secret).update(body).digest("hex");

// Sends a delivery to a receiver, signed unless the headers say otherwise. Returns the status.
async function deliver(server, event, { headers = {}, secret } = {}) {
  const body = Buffer.isBuffer(event) || typeof event === "string" ? event
    : JSON.stringify({ type: "video.source.recorded", emittedAt: "2026-01-01T00:00:00.000Z", videoId: "vi1", liveStreamId: "li1", ...event });
  const response = await fetch(server.receiver + "/", { method: "POST", body, headers: { "Content-Type": "application/json",
    "X-Api-Video-WebhookID": "webhook_0000000000000000000000", "X-Api-Video-Signature": sign(body, secret), ...headers } });
  return response.status;
}

async function until(condition, what) {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error("timed out waiting for " + what);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const tests = [];
const test = (name, fn) => tests.push({ name, fn });

let browser;

// A tab whose errors and dialogs fail the test; `errors` has them.
async function openTab(url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const tab = await context.newPage();
  tab.errors = [];
  tab.setDefaultTimeout(WAIT_MS);
  tab.on("pageerror", (error) => tab.errors.push("error: " + error.message));
  tab.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !/Failed to load resource|ERR_/.test(message.text())) tab.errors.push("console: " + message.text());
  });
  tab.on("dialog", (dialog) => { tab.errors.push("dialog: " + dialog.message()); dialog.dismiss(); });
  tab.on("request", (request) => { if (!request.url().startsWith(new URL(url).origin) && !request.url().startsWith("data:")) tab.errors.push("request: " + request.url()); });
  await tab.goto(url);
  return tab;
}

const clipboard = (tab) => tab.evaluate(() => navigator.clipboard.readText());

// Finds accessibility problems with axe-core, in the current state of a tab.
async function assertAccessible(tab, what) {
  await tab.evaluate(fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
  const found = await tab.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  const texts = found.violations.map((v) => v.id + ": " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200) + " " + n.failureSummary).join("\n  "));
  if (texts.length) throw new Error("axe-core, " + what + ":\n  " + texts.join("\n  "));
  if (found.passes.length < 10) throw new Error("axe-core checked nothing, " + what);
}

const temporary = () => fs.mkdtempSync(path.join(os.tmpdir(), "apivideo-page-"));

async function runAll() {
  let passed = 0, failed = 0;
  browser = await chromium.launch({ executablePath: CHROMIUM, args: process.getuid() === 0 ? ["--no-sandbox"] : [] });
  for (const { name, fn } of tests.filter((t) => !process.env.ONLY || t.name.includes(process.env.ONLY))) {
    try {
      await fn();
      for (const context of browser.contexts()) for (const tab of context.pages()) {
        if (tab.errors && tab.errors.length) throw new Error(tab.errors.join("\n"));
      }
      passed++;
    } catch (error) {
      failed++;
      console.log("---- " + name + "\n" + error.stack);
      const [tab] = browser.contexts().flatMap((context) => context.pages());
      if (tab && process.env.SHOTS) await tab.screenshot({ path: path.join(process.env.SHOTS, "failed-" + failed + ".png") }).catch(() => {});
    }
    for (const context of browser.contexts()) await context.close();
    for (const server of [...running]) await server.stop();
  }
  await browser.close();
  console.log(passed + " passed, " + failed + " failed");
  process.exitCode = failed ? 1 : 0;
}

process.on("exit", () => { for (const { pid } of running) try { process.kill(pid, "SIGKILL"); } catch (error) { /* has ended */ } });

module.exports = { SECRET, assertAccessible, clipboard, deliver, openTab, runAll, sign, startServer, temporary, test, until };
