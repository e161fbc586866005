// Calls of api.video's Node client, one after the other on a kept-alive connection. Prints how many it
// did in a second: node http_node.cjs URL COUNT
const ApiVideoClient = require('@api.video/nodejs-client');

const [baseUri, count] = process.argv.slice(2);
const client = new ApiVideoClient({ apiKey: 'key', baseUri });

(async () => {
  for (let i = 0; i < 200; i++) await client.webhooks.get('webhook_XXXXXXXXXXXXXXX'); // its compiler warms up
  const began = process.hrtime.bigint();
  for (let i = 0; i < count; i++) await client.webhooks.get('webhook_XXXXXXXXXXXXXXX');
  console.log(count / (Number(process.hrtime.bigint() - began) / 1e9));
})();
