// Tests api.video's Node client with a local api.video: node node_client.cjs URL
// The last line has the counts: "N passed, N failed".
const assert = require('node:assert/strict');
const ApiVideoClient = require('@api.video/nodejs-client');
const AuthenticationApi = require('@api.video/nodejs-client/lib/api/AdvancedAuthenticationApi').default;

const baseUri = process.argv[2];
const client = new ApiVideoClient({ apiKey: 'peer-key', baseUri });
const authentication = new AuthenticationApi(client.httpClient);
const RECORDED = 'video.source.recorded';
const ENDED = 'live-stream.broadcast.ended';

const checks = [];
const check = (name, fn) => checks.push({ name, fn });
const ids = (page, field) => page.data.map((item) => item[field]).join(' ');
const fails = (promise, code, name) =>
  assert.rejects(promise, (error) => error.code === code && error.problemDetails.name === name);
const statusWith = async (token) =>
  (await fetch(`${baseUri}/webhooks`, { headers: { Authorization: `Bearer ${token}` } })).status;

check('auth: tokens for the key', async () => {
  const token = await client.getAccessToken();
  assert.equal(token.tokenType, 'Bearer');
  assert.equal(token.expiresIn, 3600);
  assert.equal(await statusWith(token.accessToken), 200);
  assert.equal(await statusWith(token.refreshToken), 401);
});

check('auth: authenticate and refresh', async () => {
  const first = await authentication.authenticate({ apiKey: 'peer-key' });
  const second = await authentication.refresh({ refreshToken: first.refreshToken });
  assert.equal(await statusWith(second.accessToken), 200);
  await fails(authentication.refresh({ refreshToken: first.refreshToken }), 400, '');
  await fails(authentication.authenticate({ apiKey: 'no' }), 400, '');
});

check('auth: a wrong key', () =>
  fails(new ApiVideoClient({ apiKey: 'no', baseUri }).webhooks.list(), 401, ''));

check('webhooks: create, get, list, delete', async () => {
  const created = await client.webhooks.create({ url: 'https://example.com/a', events: [RECORDED, ENDED] });
  assert.match(created.webhookId, /^webhook_\w{22}$/);
  assert.match(created.signatureSecret, /^sig_sec_\w{22}$/);
  assert.ok(created.createdAt instanceof Date && Date.now() - created.createdAt < 60000);
  assert.deepEqual(await client.webhooks.get(created.webhookId), created);
  const second = await client.webhooks.create({ url: 'https://example.com/b', events: [ENDED] });
  assert.equal(ids(await client.webhooks.list(), 'webhookId'), `${created.webhookId} ${second.webhookId}`);
  assert.equal(ids(await client.webhooks.list({ events: RECORDED }), 'webhookId'), created.webhookId);
  const page = await client.webhooks.list({ currentPage: 2, pageSize: 1 });
  assert.equal(ids(page, 'webhookId'), second.webhookId);
  assert.deepEqual({ ...page.pagination, links: undefined },
    { currentPage: 2, pageSize: 1, pagesTotal: 2, itemsTotal: 2, currentPageItems: 1, links: undefined });
  assert.equal(page.pagination.links.find((link) => link.rel === 'previous').uri,
    `${baseUri}/webhooks?currentPage=1&pageSize=1`);
  await client.webhooks.delete(created.webhookId);
  await client.webhooks.delete(second.webhookId);
  assert.deepEqual((await client.webhooks.list()).data, []);
  await fails(client.webhooks.get(created.webhookId), 404, 'webhookId');
  await fails(client.webhooks.delete(created.webhookId), 404, 'webhookId');
});

check('webhooks: invalid requests', async () => {
  await fails(client.webhooks.create({ url: 'x', events: [RECORDED] }), 400, 'url');
  await fails(client.webhooks.list({ pageSize: 101 }), 400, 'pageSize');
});

check('webhooks: rate limit headers', async () => {
  const { headers } = await client.webhooks.listWithResponseHeaders();
  assert.equal(headers['x-ratelimit-limit'], '1000');
  assert.ok(Number(headers['x-ratelimit-remaining']) < 1000);
  assert.ok(Number(headers['x-ratelimit-retry-after']) <= 60);
});

check('videos: list, with every filter', async () => {
  for (const [args, expected] of [
    [{}, 'vi1 vi2 vi3'], [{ title: 'Maths' }, 'vi1 vi2'], [{ tags: ['maths'] }, 'vi1 vi2'],
    [{ tags: ['maths', 'string theory'] }, 'vi1'], [{ metadata: { Author: 'John Doe' } }, 'vi1'],
    [{ description: 'strings' }, 'vi1'], [{ liveStreamId: 'li1' }, 'vi2'],
    [{ sortBy: 'title', sortOrder: 'desc' }, 'vi2 vi1 vi3'], [{ sortBy: 'createdAt', pageSize: 1 }, 'vi2'],
    [{ currentPage: 2, pageSize: 2 }, 'vi3'],
  ]) assert.equal(ids(await client.videos.list(args), 'videoId'), expected);
  await fails(client.videos.list({ sortBy: 'size' }), 400, 'sortBy');
});

check('videos: get', async () => {
  const video = await client.videos.get('vi1');
  assert.equal(video.title, 'Maths, part 1');
  assert.equal(video.metadata[0].value, 'John Doe');
  assert.equal(video.discardedAt, null);
  assert.match(video.assets.hls, /vi1/);
  assert.ok(!Number.isNaN(video.createdAt.getTime()));
  await fails(client.videos.get('none'), 404, 'videoId');
});

check('videos: status', async () => {
  const status = await client.videos.getStatus('vi1');
  assert.equal(status.ingest.filesize, 5368709120);
  assert.deepEqual(status.ingest.receivedBytes, []);
  assert.equal(status.encoding.qualities[0].status, 'failed');
  assert.equal(status.encoding.metadata.width, null);
  assert.equal((await client.videos.getStatus('vi3')).encoding.playable, true);
  await fails(client.videos.getStatus('none'), 404, 'videoId');
});

check('captions: list', async () => {
  const page = await client.captions.list({ videoId: 'vi1' });
  assert.equal(ids(page, 'srclang'), 'en fr');
  assert.equal(page.data[1]._default, true);
  assert.equal(ids(await client.captions.list({ videoId: 'vi1', currentPage: 2, pageSize: 1 }), 'srclang'), 'fr');
  assert.deepEqual((await client.captions.list({ videoId: 'vi3' })).data, []);
  await fails(client.captions.list({ videoId: 'none' }), 404, 'videoId');
});

check('live streams: list and get', async () => {
  for (const [args, expected] of [
    [{}, 'li1 li2'], [{ name: 'Hall' }, 'li2'], [{ streamKey: 'key-1' }, 'li1'],
    [{ sortBy: 'name', sortOrder: 'asc' }, 'li2 li1'], [{ currentPage: 2, pageSize: 1 }, 'li2'],
  ]) assert.equal(ids(await client.liveStreams.list(args), 'liveStreamId'), expected);
  const stream = await client.liveStreams.get('li1');
  assert.equal(stream.broadcasting, true);
  assert.deepEqual(stream.restreams, []);
  await fails(client.liveStreams.get('none'), 404, 'liveStreamId');
});

check('summaries: list', async () => {
  for (const [args, expected] of [
    [{}, 'summary_1 summary_2'], [{ videoId: 'vi1' }, 'summary_1'], [{ origin: 'auto' }, 'summary_1'],
    [{ sourceStatus: 'waiting' }, 'summary_2'], [{ sortBy: 'videoId', sortOrder: 'desc' }, 'summary_2 summary_1'],
    [{ currentPage: 2, pageSize: 1 }, 'summary_2'],
  ]) assert.equal(ids(await client.summaries.list(args), 'summaryId'), expected);
});

(async () => {
  let failed = 0;
  for (const { name, fn } of checks) {
    try {
      await fn();
    } catch (error) {
      failed += 1;
      console.log(`FAILED ${name}\n${error.stack}`);
    }
  }
  console.log(`${checks.length - failed} passed, ${failed} failed`);
})();
