// Installs an app in the stand-in of Slack's platform with Slack's own OAuth library, connects to it with Slack's own client for Socket Mode, and says where
// they disagree with it.
//
// STANDIN_URL, CLIENT_ID, CLIENT_SECRET and APP_TOKEN name the stand-in; each check prints a line, the first failure ends it. It ends when it is told to, by a
// command with the text `end`.
import assert from 'node:assert/strict';
import http from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { InstallProvider, LogLevel } = require('@slack/oauth');
const { SocketModeClient } = require('@slack/socket-mode');
const { WebClient } = require('@slack/web-api');

const { STANDIN_URL: base, CLIENT_ID: clientId, CLIENT_SECRET: clientSecret, APP_TOKEN: appToken } = process.env;
const quiet = { debug() {}, info() {}, warn() {}, error() {}, setLevel() {}, getLevel: () => LogLevel.ERROR, setName() {} };
const clientOptions = { slackApiUrl: `${base}/api/`, logger: quiet, retryConfig: { retries: 0 }, timeout: 5000 };
const ok = (what) => console.log(`ok - ${what}`);

/** Goes through an installation as a browser does, and answers what Slack's library makes of it. */
async function install(agreeFor) {
  let kept;
  const provider = new InstallProvider({
    clientId, clientSecret, stateSecret: 'demo-state-secret', authorizationUrl: `${base}/oauth/v2/authorize`, clientOptions, logger: quiet, directInstall: true,
    installationStore: { storeInstallation: async (i) => { kept = i; }, fetchInstallation: async () => kept, deleteInstallation: async () => {} },
  });
  let failure;
  const server = http.createServer(async (request, response) => {
    if (request.url.startsWith('/callback')) {
      await provider.handleCallback(request, response, {
        success: (_, __, ___, answer) => answer.end('installed'), failure: (error, _, __, answer) => { failure = error; answer.end('failed'); },
      });
      return;
    }
    await provider.handleInstallPath(request, response, {}, { scopes: ['chat:write'], redirectUri: `http://127.0.0.1:${server.address().port}/callback` });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${server.address().port}`;
  const page = await fetch(`${address}/install`, { redirect: 'manual' });
  assert.equal(page.status, 302);
  const agreed = await fetch(`${page.headers.get('location')}&team=${agreeFor}`, { redirect: 'manual' });
  assert.equal(agreed.status, 302);
  const cookie = page.headers.getSetCookie().map((c) => c.split(';')[0]).join('; ');
  const back = await fetch(agreed.headers.get('location'), { headers: { cookie } });
  assert.equal(await back.text(), 'installed', String(failure));
  server.close();
  return kept;
}

async function judgeOAuth() {
  const one = await install('T0DEMO1');
  assert.equal(one.team.id, 'T0DEMO1');
  assert.equal(one.isEnterpriseInstall, false);
  assert.equal(one.bot.userId, 'U0BOT');
  assert.equal((await new WebClient(one.bot.token, clientOptions).auth.test()).team_id, 'T0DEMO1');
  ok('an installation in one workspace');

  const all = await install('E0DEMO1');
  assert.equal(all.isEnterpriseInstall, true);
  assert.equal(all.team, undefined);
  assert.equal(all.enterprise.id, 'E0DEMO1');
  const teams = await new WebClient(all.bot.token, clientOptions).auth.teams.list();
  assert.deepEqual(teams.teams.map((t) => t.id), ['T0DEMO1']);
  ok('an installation in a whole organisation');
}

async function judgeSockets() {
  const client = new SocketModeClient({ appToken, clientOptions, logger: quiet });
  const end = new Promise((resolve) => {
    client.on('slash_commands', async ({ ack, body }) => {
      await ack({ text: `heard ${body.text}` });
      if (body.text === 'end') resolve();
    });
  });
  client.on('message', async ({ ack, event, body }) => {
    assert.equal(body.type, 'event_callback');
    await ack();
    ok(`a message: ${event.text}`);
  });
  client.on('interactive', async ({ ack, body }) => {
    assert.equal(body.type, 'block_actions');
    await ack();
    ok(`a press of ${body.actions[0].action_id}`);
  });
  await client.start();
  ok('connected in Socket Mode');
  await end;
  await client.disconnect();
}

try {
  await judgeOAuth();
  await judgeSockets();
  process.exit(0);
} catch (err) {
  console.error('not ok -', err);
  process.exit(1);
}
