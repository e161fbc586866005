// The token, and the other sites that a browser has open.
"use strict";
const assert = require("node:assert/strict");
const http = require("node:http");
const { deliver, openTab, startServer, test, until } = require("./harness.cjs");

test("takes the token from the address, removes it there, and sends it to this server only", async () => {
  const server = await startServer({ token: true });
  await deliver(server, {});
  const tab = await openTab(server.page);
  const sent = [];
  tab.on("request", (request) => sent.push(request));
  await tab.locator("#rows [role=option]").first().waitFor();
  const [bare, token] = server.page.split("#token=");
  assert.equal(tab.url().replace(/#.*/, ""), bare);
  await tab.reload();
  await tab.locator("#rows [role=option]").first().click();
  await tab.locator("#details .payload").waitFor();
  assert.ok(sent.length > 3);
  for (const request of sent) {
    assert.ok(!request.url().includes(token));
    if (request.url() !== bare) assert.equal(request.headers()["x-apivideo-token"], token);
  }
  assert.deepEqual(await tab.context().cookies(), []);
  assert.ok(!(await tab.content()).includes(token));
  const other = await openTab(bare);
  await other.getByText("Open the page with its token").waitFor();
  await other.evaluate((hash) => { location.hash = hash; }, "token=" + token);
  await other.locator("#rows [role=option]").first().waitFor();
});

test("says that the token is needed again after a restart", async () => {
  const server = await startServer({ token: true });
  const page_port = Number(new URL(server.page).port);
  const tab = await openTab(server.page);
  await until(async () => await tab.locator("#live").textContent() === "Live", "the server");
  await server.stop();
  await startServer({ token: true, page_port });
  await tab.getByText("Open the page with its token").waitFor();
});

test("lets no other site read, send again or frame the page", async () => {
  const server = await startServer();
  await deliver(server, {});
  const url = server.page;
  const site = http.createServer((request, response) => response.writeHead(200, { "Content-Type": "text/html" }).end("<title>other</title>"));
  await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
  try {
    for (const host of ["127.0.0.1", "localhost"]) {
      const tab = await openTab("http://" + host + ":" + site.address().port + "/");
      const results = await tab.evaluate(async (base) => {
        const tries = [
          fetch(base + "api/deliveries").then((r) => r.text()),
          fetch(base + "api/deliveries/1/replay?to=receiver", { method: "POST", headers: { "X-Apivideo-Page": "1" } }).then((r) => r.text()),
          fetch(base + "api/deliveries/1/replay?to=receiver", { method: "POST", mode: "no-cors" }).then((r) => r.text()),
        ];
        const frame = document.createElement("iframe");
        frame.src = base;
        document.body.append(frame);
        await new Promise((resolve) => { frame.onload = resolve; setTimeout(resolve, 3000); });
        let framed;
        try { framed = frame.contentDocument && frame.contentDocument.title; } catch (error) { framed = null; }
        return (await Promise.allSettled(tries)).map((r) => r.status === "rejected" ? "rejected" : r.value).concat(framed || "no frame");
      }, url);
      assert.deepEqual(results, ["rejected", "rejected", "", "no frame"].map((r, i) => results[i] === "rejected" ? "rejected" : r));
      tab.errors.length = 0;
    }
  } finally { site.close(); }
  const tab = await openTab(url);
  await tab.locator("#rows [role=option]").first().waitFor();
  assert.equal(await tab.locator("#count").textContent(), "1 delivery");
});
