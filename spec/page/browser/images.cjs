// Writes the images of the documentation: node images.cjs docs/images
"use strict";
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { chromium } = require("playwright-core");

const ROOT = path.resolve(__dirname, "../../..");
const MAX_BYTES = 150000;
const target = path.resolve(process.argv[2]);

// In a directory with links to the checkout, so that tracebacks have short names: app.lua, lua/apivideo/…
async function start(directory, ...options) {
  const child = spawn("lua5.4", ["app.lua", ...options], { cwd: directory, stdio: ["ignore", "pipe", "inherit"], env: {
    ...process.env, LUA_PATH: "lua/?.lua;lua/?/init.lua;;", LUA_CPATH: path.join(ROOT, "build/5.4/?.so") + ";;" } });
  const url = await new Promise((resolve, reject) => {
    child.stdout.once("data", (data) => resolve(String(data).trim()));
    child.once("exit", () => reject(new Error("the server ended")));
  });
  return { url, stop: () => child.kill("SIGKILL") };
}

async function shoot(browser, server, name, hash, prepare) {
  for (const colorScheme of ["light", "dark"]) {
    const context = await browser.newContext({ viewport: { width: 1200, height: 750 }, deviceScaleFactor: 1.5, colorScheme, reducedMotion: "reduce" });
    const tab = await context.newPage();
    await tab.goto(server.url + "/" + hash);
    await prepare(tab);
    await tab.mouse.move(0, 0);
    const file = path.join(target, name + "-" + colorScheme + ".webp");
    const devtools = await context.newCDPSession(tab); // playwright-core writes PNG and JPEG only
    const { data } = await devtools.send("Page.captureScreenshot", { format: "webp", quality: 90 });
    fs.writeFileSync(file, Buffer.from(data, "base64"));
    const { size } = fs.statSync(file);
    console.log(path.relative(ROOT, file) + ": " + size + " bytes");
    if (size > MAX_BYTES) throw new Error(file + " is larger than " + MAX_BYTES + " bytes");
    await context.close();
  }
}

async function main() {
  fs.mkdirSync(target, { recursive: true });
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "apivideo-images-"));
  fs.symlinkSync(path.join(ROOT, "lua"), path.join(directory, "lua"));
  fs.symlinkSync(path.join(__dirname, "images.lua"), path.join(directory, "app.lua"));
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: process.getuid() === 0 ? ["--no-sandbox"] : [] });
  const servers = [];
  try {
    const plain = await start(directory);
    servers.push(plain);
    await shoot(browser, plain, "page-deliveries", "", async (tab) => {
      await tab.locator("#rows [role=option]", { hasText: "Failed" }).first().click();
      await tab.locator("#details .problem").waitFor();
    });
    const inbox = await start(directory, "inbox");
    servers.push(inbox);
    await shoot(browser, inbox, "page-inbox", "#inbox", async (tab) => {
      await tab.locator("#entries tr", { hasText: "vi4k0jvEUuaTdRAEjQ4Jfrgz" }).first().waitFor();
      await tab.evaluate(() => { location.hash = "video/vi4k0jvEUuaTdRAEjQ4Jfrgz"; });
      await tab.locator("#entry .timeline").waitFor();
      await tab.waitForLoadState("networkidle").catch(() => {});
    });
  } finally {
    await browser.close();
    for (const server of servers) server.stop();
    fs.rmSync(directory, { recursive: true });
  }
}

main().catch((error) => { console.error(error); process.exitCode = 1; });
