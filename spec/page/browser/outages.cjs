// The server ends, and is started again.
"use strict";
const assert = require("node:assert/strict");
const { deliver, openTab, startServer, test, until } = require("./harness.cjs");

const live = (tab) => tab.locator("#live").textContent();

test("says that the server does not respond, and continues when it is back", async () => {
  let server = await startServer();
  const page_port = Number(new URL(server.page).port), receiver_port = Number(new URL(server.receiver).port);
  await deliver(server, { videoId: "vi_before" });
  const tab = await openTab(server.page);
  await tab.locator("#rows [role=option]").first().click();
  await tab.locator("#details .facts").waitFor();
  await server.stop();
  await until(async () => (await live(tab)).includes("The server does not respond."), "the message");
  assert.equal(await tab.locator("#rows [role=option]").count(), 1); // what was received is still there
  await tab.getByRole("button", { name: "Replay", exact: true }).click();
  await tab.locator(".toast", { hasText: "The server does not respond." }).waitFor();
  server = await startServer({ page_port, receiver_port });
  await tab.getByText("The server was started again").waitFor();
  await until(async () => await live(tab) === "Live", "the server");
  await tab.getByText("No deliveries yet").waitFor();
  await deliver(server, { videoId: "vi_after" });
  await until(async () => (await tab.locator("#rows").textContent()).includes("vi_after"), "the new delivery");
});

test("waits for a server that does not run, and shows what it received then", async () => {
  const server = await startServer();
  const tab = await openTab(server.page);
  await until(async () => await live(tab) === "Live", "the server");
  process.kill(server.pid, "SIGSTOP");
  const sent = deliver(server, { videoId: "vi_later" });
  process.kill(server.pid, "SIGCONT");
  await sent;
  await until(async () => (await tab.locator("#rows").textContent()).includes("vi_later"), "the delivery");
});
