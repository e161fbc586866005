// Makes sequential calls with api.video's Node client on a keep-alive connection. Prints the microseconds of processor
// time of a call: node http_node.cjs URL COUNT
const ApiVideoClient = require('@api.video/nodejs-client');

const [baseUri, count] = process.argv.slice(2);
const client = new ApiVideoClient({ apiKey: 'key', baseUri });

(async () => {
  for (let i = 0; i < 500; i++) await client.webhooks.get('webhook_XXXXXXXXXXXXXXX'); // warms up the compiler
  const started = process.cpuUsage();
  for (let i = 0; i < count; i++) await client.webhooks.get('webhook_XXXXXXXXXXXXXXX');
  const { user, system } = process.cpuUsage(started);
  console.log((user + system) / count);
})();
