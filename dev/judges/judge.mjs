// Drives the Slack stand-in with Slack's own client libraries and says where they disagree with it.
//
// STANDIN_URL, BOT_TOKEN and SIGNING_SECRET name the stand-in; each check prints a line, the first failure ends it.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { App, HTTPReceiver, LogLevel } = require('@slack/bolt');
const { WebClient, ErrorCode } = require('@slack/web-api');

const { STANDIN_URL: base, BOT_TOKEN: token, SIGNING_SECRET: signingSecret } = process.env;
const channel = 'C0SUPPORT';
const quiet = { debug() {}, info() {}, warn() {}, error() {}, setLevel() {}, getLevel: () => LogLevel.ERROR, setName() {} };
const client = new WebClient(token, {
  slackApiUrl: `${base}/api/`, retryConfig: { retries: 0 }, rejectRateLimitedCalls: true, logger: quiet, timeout: 5000,
});

const ok = (what) => console.log(`ok - ${what}`);

async function control(path, body, method = 'POST') {
  const resp = await fetch(`${base}/_control/${path}`, { method, body: body && JSON.stringify(body) });
  const answer = await resp.json();
  assert.equal(resp.status, 200, `${path}: ${JSON.stringify(answer)}`);
  return answer;
}

/** A place where listeners put what they get and checks wait for it. */
class Inbox {
  #kept = [];
  #waiting = [];
  put(item) {
    this.#kept.push(item);
    this.#waiting = this.#waiting.filter((look) => !look());
  }
  find(what, fits) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${what} never came`)), 8000);
      const look = () => {
        const found = this.#kept.find(fits);
        if (found) { clearTimeout(timer); resolve(found); }
        return Boolean(found);
      };
      if (!look()) this.#waiting.push(look);
    });
  }
}

async function judgeMethods() {
  const me = await client.auth.test();
  assert.equal(me.user_id, 'U0BOT');
  ok('auth.test');

  const metadata = { event_type: 'posted', event_payload: { id: 'c1' } };
  const head = await client.chat.postMessage({ channel, text: 'a &lt; b https://example.com', metadata, unfurl_links: false });
  assert.equal(head.message.text, 'a &lt; b <https://example.com>');
  const reply = await client.chat.postMessage({ channel, text: 'r', thread_ts: head.ts });
  assert.equal(reply.message.thread_ts, head.ts);
  ok('chat.postMessage, in a thread too');

  const plain = await client.conversations.replies({ channel, ts: head.ts });
  assert.equal(plain.messages.length, 2);
  assert.equal(plain.messages[0].reply_count, 1);
  assert.equal(plain.messages[0].metadata, undefined);
  const full = await client.conversations.replies({ channel, ts: head.ts, include_all_metadata: true });
  assert.deepEqual(full.messages[0].metadata, metadata);
  ok('conversations.replies with and without metadata');

  const pages = [];
  for await (const page of client.paginate('conversations.replies', { channel, ts: head.ts, limit: 1 })) pages.push(...page.messages);
  assert.deepEqual(pages.map((m) => m.ts), [head.ts, reply.ts]);
  const history = await client.conversations.history({ channel });
  assert.deepEqual(history.messages.map((m) => m.ts), [head.ts]);
  ok('cursors, and a history without replies');

  const blocks = [{ type: 'section', text: { type: 'mrkdwn', text: '*x*' } }];
  const updated = await client.chat.update({ channel, ts: head.ts, text: 'y', blocks });
  assert.equal(updated.message.text, 'y');
  await client.reactions.add({ channel, timestamp: head.ts, name: 'eyes' });
  await assert.rejects(client.reactions.add({ channel, timestamp: head.ts, name: 'eyes' }), failing('already_reacted'));
  await client.reactions.remove({ channel, timestamp: head.ts, name: 'eyes' });
  ok('chat.update and reactions');

  const private_ = await client.chat.postEphemeral({ channel, user: 'U0AYA', text: 'psst', thread_ts: head.ts });
  assert.match(private_.message_ts, /^\d+\.\d{6}$/);
  const link = await client.chat.getPermalink({ channel, message_ts: reply.ts });
  assert.ok(new URL(link.permalink).searchParams.get('thread_ts') === head.ts);
  ok('chat.postEphemeral and chat.getPermalink');

  const user = await client.users.info({ user: 'U0AYA', include_locale: true });
  assert.equal(user.user.locale, 'ja-JP');
  assert.equal((await client.conversations.info({ channel })).channel.is_member, true);
  assert.ok((await client.conversations.members({ channel })).members.includes('U0AYA'));
  assert.ok((await client.conversations.list()).channels.some((c) => c.id === channel));
  const dm = await client.conversations.open({ users: 'U0AYA' });
  assert.equal((await client.chat.postMessage({ channel: 'U0AYA', text: 'x' })).channel, dm.channel.id);
  await client.views.publish({ user_id: 'U0AYA', view: { type: 'home', blocks } });
  for (const method of ['team.info', 'bots.info', 'emoji.list', 'usergroups.list']) assert.ok((await client.apiCall(method)).ok);
  ok('people, channels, direct messages and Home');

  await client.chat.delete({ channel, ts: reply.ts });
  await client.chat.delete({ channel, ts: head.ts });
  const stray = await client.chat.postMessage({ channel, text: 'z', thread_ts: head.ts });
  assert.equal(stray.message.thread_ts, undefined);
  ok('a reply to a deleted head lands in the channel');
}

const failing = (name) => (err) => err.code === ErrorCode.PlatformError && err.data.error === name;

async function judgeErrors() {
  await assert.rejects(client.chat.postMessage({ channel: 'C0NONE', text: 'x' }), failing('channel_not_found'));
  await assert.rejects(client.chat.postMessage({ channel: 'C0OTHER', text: 'x' }), failing('not_in_channel'));
  await assert.rejects(client.chat.postMessage({ channel, text: 'x', blocks: Array(51).fill({ type: 'divider' }) }), failing('invalid_blocks'));
  await assert.rejects(client.chat.update({ channel, ts: '1.000001', text: 'x' }), failing('message_not_found'));
  await assert.rejects(client.conversations.replies({ channel, ts: '1.000001' }), failing('thread_not_found'));
  await assert.rejects(new WebClient('xoxb-wrong', { slackApiUrl: `${base}/api/`, logger: quiet }).auth.test(), failing('invalid_auth'));
  ok('platform errors');

  const once = (fault) => control('faults', { method: 'chat.postMessage', count: 1, ...fault });
  const post = () => client.chat.postMessage({ channel, text: 'x' });
  await once({ kind: 'rate_limited', retry_after: 7 });
  await assert.rejects(post(), (err) => err.code === ErrorCode.RateLimitedError && err.retryAfter === 7);
  await once({ kind: 'status', status: 503 });
  await assert.rejects(post(), (err) => err.code === ErrorCode.HTTPError && err.statusCode === 503);
  await once({ kind: 'accept_then_cut' });
  await assert.rejects(post(), (err) => err.code === ErrorCode.RequestError);
  ok('429, 503 and a cut connection');
}

async function startBolt() {
  const inbox = new Inbox();
  const receiver = new HTTPReceiver({
    signingSecret, endpoints: ['/slack/events'], logger: quiet,
    processEventErrorHandler: async ({ error }) => { inbox.put({ error }); return false; },
  });
  const app = new App({
    receiver, logger: quiet, ignoreSelf: false, clientOptions: { slackApiUrl: `${base}/api/`, logger: quiet },
    authorize: async () => ({ botToken: token, botId: 'B0BOT', botUserId: 'U0BOT' }),
  });
  const listen = (kind) => async ({ event, body }) => inbox.put({ kind, event, body });
  for (const kind of ['message', 'reaction_added', 'member_joined_channel', 'app_home_opened']) app.event(kind, listen(kind));
  app.action('send', async ({ ack, action, body, respond }) => {
    await ack();
    await respond({ text: 'clicked', response_type: 'ephemeral' });
    inbox.put({ kind: 'action', action, body });
  });
  app.command('/talk', async ({ ack, command }) => {
    await ack('noted');
    inbox.put({ kind: 'command', command });
  });
  app.view('settings', async ({ ack, view }) => {
    await ack();
    inbox.put({ kind: 'view', view });
  });
  const server = await app.start({ port: 0, host: '127.0.0.1' });
  return { app, inbox, url: `http://127.0.0.1:${server.address().port}/slack/events` };
}

async function judgeEvents({ inbox, url }) {
  await control('urls', { events: url, interactions: url, commands: url, self: base });
  await control('verify', {});
  ok('url_verification');

  const text = 'hi\n```\na < b\n```';
  const { ts } = await control('write', { member: 'U0AYA', channel, text });
  const got = await inbox.find('the message', (i) => i.kind === 'message' && i.event.ts === ts);
  assert.equal(got.event.text, 'hi\n```a &lt; b```');
  const { elements } = got.event.blocks[0];
  assert.deepEqual(elements.map((e) => e.type), ['rich_text_section', 'rich_text_preformatted']);
  assert.equal(elements[1].elements[0].text, 'a < b');
  assert.equal(got.body.authorizations[0].is_bot, true);
  ok('a signed message with a code block');

  const echo = await client.chat.postMessage({ channel, text: 'own', thread_ts: ts });
  const own = await inbox.find('the echo', (i) => i.kind === 'message' && i.event.ts === echo.ts);
  assert.equal(own.event.bot_id, 'B0BOT');
  await control('edit', { channel, ts, text: 'edited' });
  const edit = await inbox.find('the edit', (i) => i.event?.subtype === 'message_changed' && i.event.message.ts === ts);
  assert.equal(edit.event.previous_message.text, 'hi\n```a &lt; b```');
  await control('react', { member: 'U0AYA', channel, ts, name: 'eyes' });
  await inbox.find('the reaction', (i) => i.kind === 'reaction_added' && i.event.item.ts === ts);
  await control('bot/invite', { member: 'U0AYA', channel: 'C0OTHER' });
  await inbox.find('the invitation', (i) => i.kind === 'member_joined_channel' && i.event.channel === 'C0OTHER');
  await control('home', { member: 'U0AYA' });
  await inbox.find('the Home tab', (i) => i.kind === 'app_home_opened');
  ok('echo, edit, reaction, invitation and Home tab');
}

async function judgeInteractions({ inbox }) {
  const button = { type: 'button', action_id: 'send', value: '42', text: { type: 'plain_text', text: 'Send' } };
  const { ts } = await client.chat.postMessage({ channel, text: 'x', blocks: [{ type: 'actions', elements: [button] }] });
  const answer = await control('click', { member: 'U0AYA', channel, ts, action_id: 'send' });
  assert.equal(answer.status, 200);
  const { action, body } = await inbox.find('the click', (i) => i.kind === 'action');
  assert.equal(action.value, '42');
  assert.equal(body.message.ts, ts);
  const { ephemerals } = await control('ephemerals', undefined, 'GET');
  assert.equal(ephemerals.at(-1).text, 'clicked');
  ok('a click, answered through response_url');

  const view = { type: 'modal', callback_id: 'settings', title: { type: 'plain_text', text: 'T' }, blocks: [{ type: 'divider' }] };
  const opened = await client.views.open({ trigger_id: body.trigger_id, view });
  const values = { row: { field: { type: 'plain_text_input', value: 'v' } } };
  await control('submit', { member: 'U0AYA', view_id: opened.view.id, values });
  assert.deepEqual((await inbox.find('the submission', (i) => i.kind === 'view')).view.state.values, values);
  ok('a modal, opened and submitted');

  const command = await control('command', { member: 'U0AYA', channel, command: '/talk', text: 'status' });
  assert.equal(command.body, 'noted');
  assert.equal((await inbox.find('the command', (i) => i.kind === 'command')).command.text, 'status');
  ok('a slash command');
}

async function judgeSignatures({ url }) {
  const body = JSON.stringify({ type: 'url_verification', challenge: 'c' });
  const send = async (secret, age) => {
    const stamp = Math.floor(Date.now() / 1000) - age;
    const signature = `v0=${createHmac('sha256', secret).update(`v0:${stamp}:${body}`).digest('hex')}`;
    const headers = { 'content-type': 'application/json', 'x-slack-request-timestamp': `${stamp}`, 'x-slack-signature': signature };
    return (await fetch(url, { method: 'POST', body, headers })).status;
  };
  assert.deepEqual([await send(signingSecret, 0), await send('wrong', 0), await send(signingSecret, 301)], [200, 401, 401]);
  ok('the judge itself refuses bad and stale signatures');
}

try {
  await judgeMethods();
  await judgeErrors();
  const bolt = await startBolt();
  await judgeEvents(bolt);
  await judgeInteractions(bolt);
  await judgeSignatures(bolt);
  const { undelivered } = await control('undelivered', undefined, 'GET');
  assert.deepEqual(undelivered, []);
  ok('no event was refused');
  await bolt.app.stop();
  process.exit(0);
} catch (err) {
  console.error('not ok -', err);
  process.exit(1);
}
