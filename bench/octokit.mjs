// A server with @octokit/webhooks' middleware and one handler, for the comparison in bench/nginx.lua and server.lua.
import { createServer } from "node:http";
import { Webhooks, createNodeMiddleware } from "@octokit/webhooks";

const webhooks = new Webhooks({ secret: process.argv[2] });
let count = 0;
webhooks.on("push", () => { count += 1; });
const server = createServer(createNodeMiddleware(webhooks, { path: "/webhooks", log: { debug() {}, info() {}, warn: console.warn, error: console.error } }));
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume().on("end", () => process.exit());
