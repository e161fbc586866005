// Payloads of an attacker: a forged delivery reaches the page, too.
"use strict";
const assert = require("node:assert/strict");
const path = require("node:path");
const { assertAccessible, deliver, openTab, startServer, temporary, test, until } = require("./harness.cjs");

const MARKUP = ["<script>document.title='hacked'</script>", "<img src=x onerror=\"document.title='hacked'\">", "<svg onload=alert(1)>",
  "\"><iframe srcdoc='<script>top.document.title=1</script>'>", "javascript:alert(1)", "</style><script>alert(1)</script>", "${alert(1)}", "{{constructor.constructor('alert(1)')()}}"];

async function assertHarmless(tab) {
  assert.match(await tab.title(), /apivideo$/);
  assert.deepEqual(await tab.evaluate(() => [document.scripts.length, document.querySelectorAll("img, iframe, object, embed, link[rel=stylesheet], form").length]), [1, 0]);
  assert.deepEqual(tab.errors, []);
}

test("shows markup in fields, headers and errors as text", async () => {
  const server = await startServer();
  for (const [i, text] of MARKUP.entries()) {
    await deliver(server, { videoId: text, liveStreamId: text, title: text, [text]: { [text]: [text] } },
      { headers: { "X-Evil": text.replace(/[^\x20-\x7e]/g, ""), "X-Api-Video-WebhookID": text } });
    await deliver(server, { videoId: "vi_fails", emittedAt: "2026-01-01T00:00:0" + i + ".000Z", title: text });
    await deliver(server, JSON.stringify({ type: text, videoId: text }), { secret: "forged" });
    await deliver(server, text, { secret: "forged" });
  }
  const tab = await openTab(server.page);
  for (let id = 1; id <= MARKUP.length * 4; id++) {
    await tab.evaluate((hash) => { location.hash = hash; }, "deliveries/" + id);
    await until(async () => (await tab.locator("#details .details-head p").textContent().catch(() => "")).endsWith("#" + id), "#" + id);
    for (const summary of await tab.locator("#details .tree summary").all()) await summary.click();
    if (await tab.getByRole("button", { name: "Raw", exact: true }).count()) await tab.getByRole("button", { name: "Raw", exact: true }).click();
    await assertHarmless(tab);
    const text = MARKUP[Math.floor((id - 1) / 4)];
    const shown = await tab.locator("#details").textContent();
    assert(shown.includes(text) || shown.includes(JSON.stringify(text).slice(1, -1)), text + " is not shown");
  }
  await assertAccessible(tab, "hostile");
});

test("opens whatever a link of another site has after #", async () => {
  const server = await startServer({ inbox: path.join(temporary(), "inbox.db") });
  for (const hash of ["inbox/%E0%A4%A", "video/%", "video/" + encodeURIComponent("<img src=x onerror=alert(1)>"), "deliveries/99999999999999999999",
    "deliveries/-1", "token=", "token=<b>", "constructor/__proto__"]) {
    const tab = await openTab(server.page + "#" + hash);
    await until(async () => await tab.locator("#live").textContent() === "Live", "the server, with #" + hash);
    await assertHarmless(tab);
    await tab.close();
  }
});

test("blocks an injected script and style even if markup got in", async () => {
  const server = await startServer();
  const tab = await openTab(server.page);
  const results = await tab.evaluate(async () => {
    const tried = [];
    try { document.body.innerHTML = "<b>x</b>"; tried.push("innerHTML"); } catch (error) { tried.push("blocked"); }
    const script = document.createElement("script");
    try { script.text = "window.injected = true"; } catch (error) { tried.push("blocked"); }
    const inline = document.createElement("div");
    inline.setAttribute("style", "color: rgb(1, 2, 3)");
    document.body.append(inline);
    tried.push(getComputedStyle(inline).color === "rgb(1, 2, 3)" ? "styled" : "blocked");
    try { await fetch("http://127.0.0.1:1/"); tried.push("fetched"); } catch (error) { tried.push("blocked"); }
    return tried.concat(window.injected ? "injected" : []);
  });
  assert.deepEqual(results, ["blocked", "blocked", "blocked", "blocked"]);
  assert(tab.errors.length >= 3); // the reports of the browser
  tab.errors.length = 0;
});

test("shows exact numbers, deep, broken, binary and empty bodies", async () => {
  const server = await startServer();
  const deep = "[".repeat(5000) + "]".repeat(5000);
  const bodies = ['{"type":"x","n":12345678901234567890,"f":0.10000000000000000001,"e":1e400}', deep, "{", Buffer.from([0, 255, 254, 60, 98, 62]), "",
    '{"__proto__":{"polluted":true},"constructor":1,"toString":2}', '"text"', "null"];
  for (const body of bodies) await deliver(server, body, { secret: "forged" });
  const tab = await openTab(server.page);
  const open = async (id) => {
    await tab.evaluate((hash) => { location.hash = hash; }, "deliveries/" + id);
    await until(async () => (await tab.locator("#details .details-head p").textContent().catch(() => "")).endsWith("#" + id), "#" + id);
    return tab.locator("#details .payload").textContent();
  };
  const numbers = await open(1);
  for (const text of ["12345678901234567890", "0.10000000000000000001", "1e400"]) assert(numbers.includes(text), text);
  await open(2);
  assert.equal(await open(3), "{");
  assert((await open(4)).includes("<b>"));
  assert.equal(await open(5), "The body is empty.");
  assert.match(await open(6), /__proto__.*constructor: 1.*toString: 2/s);
  assert.equal(await tab.evaluate(() => ({}).polluted), undefined);
  assert.equal(await open(7), '"text"');
  assert.equal(await open(8), "null");
});
