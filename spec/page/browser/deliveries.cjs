// The view of deliveries: each control, with the mouse and with the keyboard.
"use strict";
const assert = require("node:assert/strict");
const { assertAccessible, clipboard, deliver, openTab, startServer, test, until } = require("./harness.cjs");

const rows = (tab) => tab.locator("#rows [role=option]");
const button = (tab, name) => tab.getByRole("button", { name, exact: true });

async function withDeliveries(options, tabOptions) {
  const server = await startServer(options);
  await deliver(server, { videoId: "vi_first" });
  await deliver(server, { videoId: "vi_fails", title: "x" });
  await deliver(server, { videoId: "vi_forged" }, { secret: "sig_sec_another" });
  await deliver(server, { type: "live-stream.broadcast.started", liveStreamId: "li7" });
  const tab = await openTab(server.page, tabOptions);
  await rows(tab).nth(3).waitFor();
  return { server, tab };
}

test("shows deliveries, newest first, and new ones as they arrive", async () => {
  const { server, tab } = await withDeliveries();
  assert.deepEqual(await tab.locator("#rows .badge").allTextContents(), ["Unhandled", "Rejected", "Failed", "Handled"]);
  await deliver(server, { videoId: "vi_new" });
  await until(async () => (await rows(tab).first().textContent()).includes("vi_new"), "the new delivery");
  assert.equal(await tab.locator("#count").textContent(), "5 deliveries");
  assert.match(await tab.locator("#live").textContent(), /Live/);
});

test("shows that there is no delivery yet", async () => {
  const tab = await openTab((await startServer()).page);
  await tab.getByText("No deliveries yet").waitFor();
  await assertAccessible(tab, "empty");
});

test("searches", async () => {
  const { tab } = await withDeliveries();
  for (const [text, expected] of [["vi_first", 1], ["VI_", 3], ["video recorded vi_fails", 1], ["401", 1], ["disk is full", 1], ["#4", 1]]) {
    await tab.fill("#search", text);
    await until(async () => await rows(tab).count() === expected, text);
  }
  await tab.fill("#search", "nothing has this");
  await tab.getByText("No match").waitFor();
  await button(tab, "Clear search and filter").click();
  await until(async () => await rows(tab).count() === 4, "all rows");
});

test("filters by outcome, also what arrives later", async () => {
  const { server, tab } = await withDeliveries();
  await tab.locator("#chips button", { hasText: "Failed" }).click();
  await until(async () => await rows(tab).count() === 1, "one row");
  await deliver(server, { videoId: "vi_later" });
  await deliver(server, { videoId: "vi_fails", emittedAt: "2026-01-01T00:00:01.000Z" });
  await until(async () => await rows(tab).count() === 2, "two rows");
  assert.equal(await tab.locator("#count").textContent(), "2 of 6 deliveries");
  await tab.locator("#chips button", { hasText: "All" }).click();
  await until(async () => await rows(tab).count() === 6, "all rows");
});

test("shows the details of a delivery: payload, headers, handler errors", async () => {
  const { tab } = await withDeliveries();
  await rows(tab).nth(2).click();
  const details = tab.locator("#details");
  await details.getByText("Handler error", { exact: true }).waitFor();
  const text = await details.textContent();
  for (const part of ["the disk is full: x", "stack traceback", "server.lua:", "vi_fails", "X-Api-Video-WebhookID".toLowerCase(), "500"]) assert(text.includes(part), part);
  assert.match(await details.locator(".tree").textContent(), /videoId: "vi_fails"/);
  await button(tab, "Raw").click();
  assert.match(await details.locator("[aria-label='Raw body']").textContent(), /^\{"type":"video.source.recorded",/);
  await details.getByRole("button", { name: "Copy", exact: true }).click();
  await until(async () => (await clipboard(tab)).startsWith('{"type":"video.source.recorded"'), "the clipboard");
  await button(tab, "Close details").click();
  await details.waitFor({ state: "hidden" });
  await rows(tab).nth(1).click();
  await details.getByText("Why it was rejected").waitFor();
  assert.match(await details.textContent(), /bad_signature.*signature mismatch/s);
});

test("copies as curl and as spec", async () => {
  const { tab } = await withDeliveries();
  await rows(tab).nth(3).click();
  await button(tab, "Copy as curl").click();
  await until(async () => (await clipboard(tab)).startsWith("curl -i -X POST 'http"), "curl");
  await button(tab, "Copy as spec").click();
  await until(async () => (await clipboard(tab)).includes('testing.delivery("video.source.recorded", {'), "the spec");
});

test("replays through the receiver, and links the two", async () => {
  const { tab } = await withDeliveries();
  await rows(tab).nth(3).click();
  await button(tab, "Replay").click();
  await tab.getByText(/The receiver responded 204 in/).waitFor();
  await until(async () => (await rows(tab).first().textContent()).includes("replay"), "the replay");
  await rows(tab).first().click();
  await tab.getByRole("link", { name: "#1", exact: true }).click();
  await until(async () => /#1$/.test(await tab.locator("#details .details-head p").textContent()), "the first");
});

test("edits and resends, with a new signature", async () => {
  const { tab } = await withDeliveries();
  await rows(tab).nth(1).click(); // the forged one
  await button(tab, "Edit and resend").click();
  await assertAccessible(tab, "the editor");
  const area = tab.locator("#editor-text");
  await area.fill((await area.inputValue()).replace("vi_forged", "vi_edited"));
  await button(tab, "Indent").click();
  assert.match(await area.inputValue(), /\n {2}"videoId": "vi_edited"/);
  await button(tab, "Sign and send").click();
  await tab.getByText(/The receiver responded 204 in/).waitFor();
  await until(async () => /Handled.*vi_edited/s.test(await rows(tab).first().textContent()), "the edited delivery");
});

test("forwards to an application", async () => {
  const other = await startServer();
  const { tab } = await withDeliveries({ forward_to: other.receiver + "/" });
  await rows(tab).nth(3).click();
  await button(tab, "Forward").click();
  await tab.getByText(/The application responded 204 in/).waitFor();
  const second = await openTab(other.page);
  await rows(second).first().waitFor();
  await other.stop();
  await button(tab, "Forward").click();
  await tab.getByText(/The application did not respond/).waitFor();
});

test("has no buttons that change something when it is read-only", async () => {
  const { tab } = await withDeliveries({ write: false, forward_to: "http://127.0.0.1:1/" });
  await tab.getByText("Read-only").waitFor();
  await rows(tab).nth(3).click();
  await button(tab, "Copy as curl").waitFor();
  for (const name of ["Replay", "Forward", "Edit and resend"]) assert.equal(await button(tab, name).count(), 0);
});

test("is usable with the keyboard alone", async () => {
  const { tab } = await withDeliveries();
  const selected = () => tab.locator("#rows [aria-selected=true]").textContent();
  await tab.keyboard.press("j");
  await until(async () => (await selected()).includes("li7"), "the first row");
  await tab.keyboard.press("j");
  await tab.keyboard.press("ArrowDown");
  await until(async () => (await selected()).includes("vi_fails"), "the third row");
  await tab.keyboard.press("k");
  await until(async () => (await selected()).includes("vi_forged"), "the second row");
  const active = await tab.locator("#rows").getAttribute("aria-activedescendant");
  assert.match(await tab.locator("#" + active).textContent(), /vi_forged/);
  await tab.keyboard.press("Enter");
  await tab.getByText("Why it was rejected").waitFor();
  await until(() => tab.evaluate(() => document.activeElement.id === "details"), "the focus in the details");
  await tab.keyboard.press("j");
  await tab.getByText("the disk is full: x", { exact: false }).first().waitFor();
  await tab.keyboard.press("Escape");
  await tab.locator("#details").waitFor({ state: "hidden" });
  assert.equal(await tab.evaluate(() => document.activeElement.id), "rows");
  await tab.keyboard.press("/");
  await tab.keyboard.type("vi_first");
  await until(async () => await rows(tab).count() === 1, "one row");
  await tab.keyboard.press("Enter");
  await until(async () => (await selected()).includes("vi_first"), "the row that was found");
  await tab.keyboard.press("/");
  await tab.keyboard.press("Escape");
  await until(async () => await rows(tab).count() === 4, "all rows");
});

for (const colorScheme of ["light", "dark"]) {
  for (const width of [1280, 390]) {
    test("has no accessibility problem: " + colorScheme + ", " + width + " pixels", async () => {
      const { tab } = await withDeliveries({}, { colorScheme, viewport: { width, height: 800 } });
      await assertAccessible(tab, "the list");
      for (const place of [1, 2, 3]) {
        await tab.evaluate((id) => { location.hash = "deliveries/" + id; }, place);
        await tab.locator("#details .facts").waitFor();
        await until(async () => (await tab.locator("#details .details-head p").textContent()).endsWith("#" + place), "details");
        await assertAccessible(tab, "the details of " + place);
        const overflow = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert(overflow <= 0, "wider than the window by " + overflow);
      }
    });
  }
}
