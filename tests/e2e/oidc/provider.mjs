// A certified OpenID provider with our clients registered at it, under the vendor's paths.
//
// Reads {"organization": {client_id, private_key, server, scopes}, "application": {client_id, key_id,
// x, y, server, scopes}, "basic": {client_id, client_secret, server, scopes}} from standard input,
// prints its port, and serves until that input ends. `/_last/<server>` shows the form of the last
// request that was granted, so that it can be sent again.

import { createPublicKey } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { Provider } from 'oidc-provider';

// The vendor takes key numbers as decimal integers; so are they given here.
function coordinate(digits) {
  return Buffer.from(BigInt(digits).toString(16).padStart(64, '0'), 'hex').toString('base64url');
}

function clients(order) {
  const { organization, application, basic } = order;
  const common = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [] };
  const rsa = createPublicKey(organization.private_key).export({ format: 'jwk' });
  const ec = {
    kty: 'EC',
    crv: 'P-256',
    kid: application.key_id,
    x: coordinate(application.x),
    y: coordinate(application.y),
  };
  const byKey = (party, jwk, algorithm) => ({
    ...common,
    client_id: party.client_id,
    scope: party.scopes.join(' '),
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: algorithm,
    jwks: { keys: [{ ...jwk, alg: algorithm, use: 'sig' }] },
  });
  return [
    [organization, byKey(organization, rsa, 'RS256')],
    [application, byKey(application, ec, 'ES256')],
    [
      basic,
      {
        ...common,
        client_id: basic.client_id,
        client_secret: basic.client_secret,
        scope: basic.scopes.join(' '),
        token_endpoint_auth_method: 'client_secret_basic',
      },
    ],
  ];
}

// One authorization server: its own issuer, its own clients.
function authorizationServer(base, server, registered, last) {
  const provider = new Provider(`${base}/oauth2/${server}`, {
    clients: registered.map(([, client]) => client),
    clientAuthMethods: ['private_key_jwt', 'client_secret_basic'],
    enabledJWA: { clientAuthSigningAlgValues: ['RS256', 'ES256'] },
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    routes: { token: '/v1/token' },
    scopes: registered.flatMap(([party]) => party.scopes),
    ttl: { ClientCredentials: 900 },
  });
  provider.on('grant.success', (ctx) => last.set(server, { ...ctx.oidc.params }));
  provider.on('grant.error', (_, error) => console.error(`refused: ${error.error_description ?? error.message}`));
  provider.on('server_error', (_, error) => console.error(error));
  return provider.callback();
}

function serve(order) {
  const last = new Map();
  const handlers = new Map();
  const http = createServer((request, response) => {
    const [, kind, server] = request.url.split('/');
    if (kind === '_last') {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(last.get(server) ?? null));
    } else if (kind === 'oauth2' && handlers.has(server)) {
      request.originalUrl = request.url; // the provider is mounted below this path
      request.url = request.url.slice(`/oauth2/${server}`.length);
      handlers.get(server)(request, response);
    } else {
      response.statusCode = 404;
      response.end();
    }
  });
  http.listen(0, '127.0.0.1', () => {
    const base = `http://127.0.0.1:${http.address().port}`;
    for (const [server, registered] of byServer(clients(order))) {
      handlers.set(server, authorizationServer(base, server, registered, last));
    }
    console.log(http.address().port);
  });
}

function byServer(entries) {
  const groups = new Map();
  for (const entry of entries) groups.set(entry[0].server, [...(groups.get(entry[0].server) ?? []), entry]);
  return groups;
}

const input = createInterface({ input: process.stdin });
input.once('line', (line) => serve(JSON.parse(line)));
input.once('close', () => process.exit(0));
