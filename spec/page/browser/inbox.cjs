// The view of the inbox: each control, with the mouse and with the keyboard.
"use strict";
const assert = require("node:assert/strict");
const path = require("node:path");
const { assertAccessible, deliver, openTab, startServer, temporary, test, until } = require("./harness.cjs");

const entries = (tab) => tab.locator("#entries tr");
const button = (tab, name) => tab.getByRole("button", { name, exact: true });
const tile = (tab, name) => tab.locator(".tile", { has: tab.getByText(name, { exact: true }) }).locator(".value");
const at = (second) => "2026-01-01T00:00:" + String(second).padStart(2, "0") + ".000Z";

// An inbox with a video of two qualities that is done, and four dead letters of two errors.
async function withInbox(options = {}, tabOptions = {}) {
  const server = await startServer({ inbox: path.join(temporary(), "inbox.db"), work: true, ...options });
  const quality = (videoId, value, second) => deliver(server, { type: "video.encoding.quality.completed", videoId, encoding: "mp4", quality: value, emittedAt: at(second) });
  await quality("vi_ready", "240p", 1);
  await quality("vi_ready", "720p", 2);
  for (const value of ["240p", "480p", "720p"]) await quality("vi_fails", value, 3);
  await deliver(server, { videoId: "vi_fails", title: "<b>bold</b>" });
  const url = new URL(server.page);
  url.hash = "inbox";
  const tab = await openTab(url.href, tabOptions);
  await until(async () => await tile(tab, "Dead letters").textContent() === "4" && await tile(tab, "Done").textContent() === "2", "the numbers");
  await until(async () => await entries(tab).count() === 6, "the rows"); // of a request of its own
  return { server, tab };
}

test("inbox: shows its numbers, its dead letters by type and error, and its entries", async () => {
  const { server, tab } = await withInbox();
  const groups = tab.locator("#dead tbody tr");
  assert.match(await groups.first().textContent(), /^3.*the disk is full.*video.encoding.quality.completed/);
  assert.match(await groups.nth(1).textContent(), /^1.*the disk is full: <b>bold<\/b>.*video.source.recorded/);
  assert.equal(await entries(tab).count(), 6);
  await deliver(server, { videoId: "vi_new" });
  await until(async () => /vi_new|video.source.recorded/.test(await entries(tab).first().textContent()) && await entries(tab).count() === 7, "the new entry");
});

test("inbox: filters entries by state, video, type and error", async () => {
  const { tab } = await withInbox();
  const count = (expected) => until(async () => await entries(tab).count() === expected, expected + " entries");
  const search = async (text) => { await tab.fill("#inbox-search", text); await tab.keyboard.press("Enter"); };
  await tab.locator("#state-chips button", { hasText: "Dead letter" }).click();
  await count(4);
  await search("video.encoding.*");
  await count(3);
  await search("bold");
  await count(1);
  await search("vi_ready");
  await tab.getByText("No entry matches").waitFor();
  await tab.locator("#state-chips button", { hasText: "All" }).click();
  await count(2);
  await search("");
  await count(6);
  await tab.getByTitle("Show these entries").first().click();
  await count(3);
});

test("inbox: shows the attempts of an entry with their tracebacks, and its payload", async () => {
  const { tab } = await withInbox();
  await entries(tab).first().click();
  const details = tab.locator("#entry");
  await details.getByText("Attempts").waitFor();
  assert.equal(await details.locator(".attempts li").count(), 2);
  assert.match(await details.locator(".attempts li").first().textContent(), /the disk is full: <b>bold<\/b>/);
  await details.locator(".attempts summary").first().click();
  assert.match(await details.locator(".attempts pre").first().textContent(), /server.lua:\d+/);
  assert.match(await details.locator(".tree").textContent(), /videoId: "vi_fails"/);
  await button(tab, "Close details").click();
  await details.waitFor({ state: "hidden" });
});

test("inbox: shows the qualities of a video in order", async () => {
  const { tab } = await withInbox();
  await tab.locator("#entries tr", { hasText: "vi_ready" }).first().click();
  await tab.getByRole("link", { name: "Timeline of the video" }).click();
  await tab.getByText("2 events of this video, in order").waitFor();
  assert.deepEqual(await tab.locator(".timeline a").allTextContents(), ["mp4 240p", "mp4 720p"]);
  await tab.locator(".timeline a").first().click();
  await tab.getByText("does not keep the body").waitFor();
});

test("inbox: redrives one dead letter, a group, and all", async () => {
  const { tab } = await withInbox();
  await button(tab, "Pause").click(); // what is redriven stays as it is
  await until(async () => await tile(tab, "Workers").textContent() === "Paused", "the pause");
  await entries(tab).first().click();
  await tab.locator("#entry").getByRole("button", { name: "Redrive" }).click();
  await tab.getByText("1 dead letter queued again").waitFor();
  await until(async () => await tile(tab, "Dead letters").textContent() === "3", "three dead letters");
  await button(tab, "Close details").click();
  await tab.locator("#dead tbody tr").first().getByRole("button", { name: "Redrive" }).click();
  const dialog = tab.getByRole("dialog");
  await dialog.getByText("Redrive 3 dead letters").waitFor();
  await assertAccessible(tab, "the confirmation");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  assert.equal(await tile(tab, "Dead letters").textContent(), "3");
  await button(tab, "Redrive all").click();
  await dialog.getByRole("button", { name: "Redrive" }).click();
  await tab.getByText("3 dead letters queued again").waitFor();
  await until(async () => await tile(tab, "Dead letters").textContent() === "0" && await tile(tab, "Waiting").textContent() === "4", "no dead letter");
  await tab.locator("#dead").waitFor({ state: "hidden" });
});

test("inbox: pauses and resumes the workers", async () => {
  const { server, tab } = await withInbox();
  await button(tab, "Pause").click();
  await until(async () => await tile(tab, "Workers").textContent() === "Paused", "the pause");
  await deliver(server, { videoId: "vi_waits" });
  await until(async () => await tile(tab, "Waiting").textContent() === "1", "the event that waits");
  await button(tab, "Resume").click();
  await until(async () => await tile(tab, "Workers").textContent() === "Running" && await tile(tab, "Done").textContent() === "3", "its handling");
});

test("inbox: shows the types that are paused, and resumes one", async () => {
  const server = await startServer({ inbox: path.join(temporary(), "inbox.db"), work: true, pause_after: 2 });
  const tab = await openTab(server.page + "#inbox");
  const box = tab.locator("#paused");
  await deliver(server, { videoId: "vi_fails", title: "<b>bold</b>" });
  await box.getByText("the disk is full: <b>bold</b>").waitFor();
  await box.getByText(/^in \d+ s$/).waitFor();
  await assertAccessible(tab, "paused types");
  const resume = box.getByRole("button", { name: "Resume" });
  await resume.focus();
  const shown = await box.locator(".last").last().textContent();
  await until(async () => await box.locator(".last").last().textContent() !== shown, "the next poll");
  assert.equal(await resume.evaluate((element) => element === document.activeElement), true, "the focus stays");
  await tab.keyboard.press("Enter");
  await box.waitFor({ state: "hidden" });
});

test("inbox: plots the last hour, with gaps where nothing was handled", async () => {
  const activity = Array.from({ length: 60 }, (_, i) => ({ at: 1e9 + i * 60, received: i, handled: i / 2, failed: 0, ...(i === 30 ? {} : { latency: 0.1 }) }));
  const { tab } = await withInbox({ activity });
  const rate = tab.getByRole("img", { name: "Events per minute, last hour. Received: now 59, Handled: now 29.5, Failed attempts: now 0" });
  await rate.waitFor();
  assert.equal(await rate.locator("path").count(), 3);
  const latency = tab.getByRole("img", { name: "Latency until handled, last hour. Mean: now 100 ms" });
  assert.equal((await latency.locator("path").getAttribute("d")).split("M").length - 1, 2);
  await assertAccessible(tab, "the plots");
});

test("inbox: loads older entries on demand", async () => {
  const { server, tab } = await withInbox();
  for (let i = 0; i < 70; i++) await deliver(server, { videoId: "vi" + i });
  await entries(tab).first().getByText("vi69").waitFor(); // not yet, as long as entries arrive
  await until(async () => await entries(tab).count() === 50, "the newest");
  await button(tab, "Show older entries").click();
  await until(async () => await entries(tab).count() === 76, "all");
  await button(tab, "Show older entries").waitFor({ state: "hidden" });
});

test("inbox: has no buttons that change something when it is read-only", async () => {
  const { tab } = await withInbox({ write: false });
  await entries(tab).first().click();
  await tab.locator("#entry .facts").waitFor();
  for (const name of ["Redrive", "Redrive all", "Pause"]) assert.equal(await button(tab, name).count(), 0, name);
});

test("inbox: is usable with the keyboard alone", async () => {
  const { tab } = await withInbox();
  const focused = () => tab.evaluate(() => document.activeElement.closest("tr")?.dataset.id);
  await tab.keyboard.press("j");
  await until(async () => await focused() === "6", "the first row");
  await tab.keyboard.press("ArrowDown");
  await until(async () => await focused() === "5", "the second row");
  await tab.waitForTimeout(2500); // the list is refreshed in that time
  assert.equal(await focused(), "5");
  await tab.keyboard.press("Enter");
  await tab.locator("#entry .facts").waitFor();
  await tab.keyboard.press("Escape");
  await tab.locator("#entry").waitFor({ state: "hidden" });
  await tab.keyboard.press("/");
  await tab.keyboard.type("vi_ready");
  await tab.keyboard.press("Enter");
  await until(async () => await entries(tab).count() === 2, "two entries");
});

for (const colorScheme of ["light", "dark"]) {
  for (const width of [1280, 390]) {
    test("inbox: has no accessibility problem: " + colorScheme + ", " + width + " pixels", async () => {
      const { tab } = await withInbox({}, { colorScheme, viewport: { width, height: 800 } });
      const check = async (what) => {
        await assertAccessible(tab, what);
        const overflow = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert(overflow <= 0, what + " is wider than the window by " + overflow);
      };
      await check("the inbox");
      await tab.evaluate(() => { location.hash = "inbox/6"; });
      await tab.locator("#entry .attempts").waitFor();
      await check("an entry");
      await tab.evaluate(() => { location.hash = "video/vi_ready"; });
      await tab.locator("#entry .timeline").waitFor();
      await check("a timeline");
    });
  }
}
