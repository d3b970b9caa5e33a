// An authorization server for tests: npm's oidc-provider, with a person at a browser who does as told.
//
// `node server.mjs SETTINGS.json`; SETTINGS: { port, plain, control, cert, key, ca, token_life_s, address_in_id_token, clients }. The folder
// of this script has to hold the installed packages.
//
// - https on `port`: the provider, as clients see it.
// - http on `plain`: the same provider for programs that know no private authority, such as Dovecot when it introspects a token.
// - http on `control`: what tests ask of the person and of the server:
//     GET /ready                       200 once all listen
//     GET /visit?url=U&as=A[&deny=1]   opens U as the person with address A, consents (or refuses), and answers where the browser was
//                                      sent in the end: { "location": …, "pages": n }
//     GET /revoke?as=A                 forgets every grant of A, as an administrator does
//     GET /counts                      how often each grant type came to the token endpoint: { "refresh_token": n, … }
//
// It trusts every address, has no passwords, and keeps all in memory: nothing for anywhere but a test.

import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { Provider } from 'oidc-provider';

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const issuer = `https://localhost:${settings.port}`;
const ca = readFileSync(settings.ca);

const provider = new Provider(issuer, {
  clients: settings.clients,
  scopes: ['openid', 'offline_access', 'mail'],
  claims: { openid: ['sub'], email: ['email', 'email_verified'] },
  // By OpenID Connect Core 1.0, section 5.4, only the UserInfo endpoint names the address; many servers put it into the ID token too.
  conformIdTokenClaims: !settings.address_in_id_token,
  findAccount: (_ctx, address) => ({
    accountId: address,
    claims: () => ({ sub: address, email: address, email_verified: true }),
  }),
  pkce: { required: () => true, methods: ['S256'] },
  rotateRefreshToken: true,
  ttl: { AccessToken: settings.token_life_s, RefreshToken: 86400, Grant: 86400, Session: 86400, Interaction: 600, DeviceCode: 600, IdToken: 600, AuthorizationCode: 60 },
  features: {
    devInteractions: { enabled: false },
    deviceFlow: { enabled: true },
    revocation: { enabled: true },
    introspection: { enabled: true },
    userinfo: { enabled: true },
    resourceIndicators: { enabled: false },
  },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  cookies: { keys: ['for tests alone'] },
});

// What came to the token endpoint, and whose grants there are.
const counts = {};
const grants = new Map();
provider.use(async (ctx, next) => {
  await next();
  const kind = ctx.oidc?.params?.grant_type;
  if (ctx.path === '/token' && kind) counts[kind] = (counts[kind] ?? 0) + 1;
});

// Consents as the browser's header says. It stands in for pages with a login form and a button.
async function interact(req, res) {
  const details = await provider.interactionDetails(req, res);
  const address = req.headers['x-test-as'];
  if (req.headers['x-test-deny']) {
    const refusal = { error: 'access_denied', error_description: 'the person said no' };
    return provider.interactionFinished(req, res, refusal, { mergeWithLastSubmission: false });
  }
  if (details.prompt.name === 'login') {
    return provider.interactionFinished(req, res, { login: { accountId: address } }, { mergeWithLastSubmission: false });
  }
  const grant = new provider.Grant({ accountId: details.session.accountId, clientId: details.params.client_id });
  grant.addOIDCScope(details.params.scope);
  const grantId = await grant.save();
  grants.set(address, [...(grants.get(address) ?? []), grantId]);
  return provider.interactionFinished(req, res, { consent: { grantId } }, { mergeWithLastSubmission: true });
}

const callback = provider.callback();
function serve(req, res) {
  if (!req.url.startsWith('/interaction/')) return callback(req, res);
  return interact(req, res).catch((why) => {
    res.statusCode = 500;
    res.end(String(why));
  });
}

// One request of the browser; never follows by itself.
function fetchPage(url, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    // The server is on IPv4 alone.
    const request = https.request(url, { method, headers, ca, family: 4 }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece) => (text += piece));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

// Follows redirects with cookies and sends the forms of the device pages, until the browser is sent elsewhere or nothing is left to do.
async function visit(url, address, deny) {
  const cookies = new Map();
  let next = { url };
  for (let pages = 1; pages < 30; pages += 1) {
    const headers = { ...next.headers, 'x-test-as': address, cookie: [...cookies].map((pair) => pair.join('=')).join('; ') };
    if (deny) headers['x-test-deny'] = '1';
    const page = await fetchPage(next.url, { ...next, headers });
    for (const cookie of page.headers['set-cookie'] ?? []) {
      const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/);
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    const { location } = page.headers;
    if (location) {
      const to = new URL(location, next.url);
      if (to.origin !== issuer) return { location: to.href, pages };
      next = { url: to.href };
      continue;
    }
    const form = page.text.match(/<form[^>]*action="([^"]*)"/);
    if (!form || form[0].includes('deviceInputForm')) return { location: null, status: page.status, text: page.text, pages };
    const fields = new URLSearchParams();
    for (const input of page.text.match(/<input[^>]*>/g) ?? []) {
      const name = input.match(/name="([^"]*)"/);
      if (name) fields.set(name[1], input.match(/value="([^"]*)"/)?.[1] ?? '');
    }
    if (deny && fields.has('confirm')) {
      fields.delete('confirm');
      fields.set('abort', 'yes');
    }
    next = {
      url: new URL(form[1], next.url).href,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: fields.toString(),
    };
  }
  throw new Error(`too many pages from ${url}`);
}

async function revoke(address) {
  for (const grantId of grants.get(address) ?? []) {
    for (const kind of ['AccessToken', 'RefreshToken', 'AuthorizationCode', 'DeviceCode']) {
      await provider[kind].revokeByGrantId(grantId);
    }
    await (await provider.Grant.find(grantId))?.destroy();
  }
  return { revoked: grants.get(address)?.length ?? 0 };
}

async function control(req, res) {
  const { pathname, searchParams } = new URL(req.url, 'http://localhost');
  const asked = {
    '/ready': async () => ({ ready: true }),
    '/visit': () => visit(searchParams.get('url'), searchParams.get('as'), searchParams.has('deny')),
    '/revoke': () => revoke(searchParams.get('as')),
    '/counts': async () => counts,
  }[pathname];
  try {
    const answer = asked ? await asked() : null;
    res.statusCode = answer ? 200 : 404;
    res.end(JSON.stringify(answer));
  } catch (why) {
    res.statusCode = 500;
    res.end(JSON.stringify({ error: String(why.stack ?? why) }));
  }
}

const listening = (server, port) => new Promise((resolve, reject) => {
  server.once('error', reject);
  server.listen(port, '127.0.0.1', resolve);
});
const tls = { cert: readFileSync(settings.cert), key: readFileSync(settings.key) };
await listening(https.createServer(tls, serve), settings.port);
await listening(http.createServer(serve), settings.plain);
await listening(http.createServer(control), settings.control);
