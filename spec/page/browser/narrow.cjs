// A screen of 360 pixels.
"use strict";
const assert = require("node:assert/strict");
const path = require("node:path");
const { assertAccessible, deliver, openTab, startServer, temporary, test } = require("./harness.cjs");

const NARROW = { viewport: { width: 360, height: 740 } };
const TYPE = "video.encoding.quality.completed";
const EVENT = { type: TYPE, videoId: "vi4k0jvEUuaTdRAEjQ4Jfrgz", encoding: "hls", quality: "720p" };

// Fails if an element is cut off or wider than the screen, unless its box scrolls or ends with "…".
async function assertFits(tab, what) {
  const found = await tab.evaluate(() => [...document.querySelectorAll("main:not([hidden]) *, dialog[open] *")].filter((element) => {
    if (!element.checkVisibility() || element.closest(".sr, .chips, svg, pre, kbd")) return false;
    return element.getBoundingClientRect().right > innerWidth + 1 && !element.closest(".table-scroll");
  }).map((element) => element.outerHTML.slice(0, 200)));
  assert.deepEqual(found, [], what);
  assert.ok(await tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth), what + " scrolls sideways");
}

const isWhole = (locator) => locator.evaluate((element) => element.scrollWidth <= element.clientWidth);

test("fits a narrow screen: deliveries", async () => {
  const server = await startServer();
  const tab = await openTab(server.page, NARROW);
  await tab.locator("#empty h2").waitFor();
  assert.equal(await tab.locator("#empty").innerText().then((text) => text.replace(/\s+/g, " ").trim()),
    "No deliveries yet Events appear here as soon as the receiver gets them.");
  await deliver(server, EVENT);
  const row = tab.locator("#rows [role=option]").first();
  await row.waitFor();
  assert.ok(await isWhole(row.locator(".type")), "the type is cut");
  await assertFits(tab, "the list");
  await row.click();
  await tab.locator("#details .payload").waitFor();
  await assertFits(tab, "the details");
  await assertAccessible(tab, "the details on a narrow screen");
  await tab.getByRole("button", { name: "Edit and resend" }).click();
  await assertFits(tab, "the editor");
});

test("fits a narrow screen: inbox", async () => {
  const server = await startServer({ inbox: path.join(temporary(), "inbox.db") });
  for (const quality of ["360p", "720p"]) await deliver(server, { ...EVENT, quality });
  const tab = await openTab(server.page + "#inbox", NARROW);
  const row = tab.locator("#entries tr").first();
  await row.waitFor();
  assert.ok(await isWhole(row.locator(".type")), "the type is cut");
  await assertFits(tab, "the inbox");
  await row.click();
  await tab.locator("#entry .payload").waitFor();
  await assertFits(tab, "an entry");
  await tab.getByRole("link", { name: "Timeline of the video" }).click();
  await tab.locator("#entry .timeline li").nth(1).waitFor();
  await assertFits(tab, "the timeline");
  await assertAccessible(tab, "the timeline on a narrow screen");
});
