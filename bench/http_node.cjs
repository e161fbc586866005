// Makes sequential calls with api.video's Node client on a keep-alive connection. Prints the calls per second:
// node http_node.cjs URL COUNT
const ApiVideoClient = require('@api.video/nodejs-client');

const [baseUri, count] = process.argv.slice(2);
const client = new ApiVideoClient({ apiKey: 'key', baseUri });

(async () => {
  for (let i = 0; i < 200; i++) await client.webhooks.get('webhook_XXXXXXXXXXXXXXX'); // warms up the compiler
  const started = process.hrtime.bigint();
  for (let i = 0; i < count; i++) await client.webhooks.get('webhook_XXXXXXXXXXXXXXX');
  console.log(count / (Number(process.hrtime.bigint() - started) / 1e9));
})();
