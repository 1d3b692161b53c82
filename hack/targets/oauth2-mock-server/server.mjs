// An OAuth 2 token endpoint on the npm package oauth2-mock-server, on loopback, for tests. The package
// takes every client; this one knows a single one.
//
// usage: node server.mjs
//   PORT           port to listen on
//   CLIENT_ID, CLIENT_SECRET   the client, in the header (encoded as RFC 6749 section 2.3.1 has it) or body
//   EXPIRES_IN     life of a token in seconds, as it is announced
//   TOKEN_LOG      file that gets one JSON line an answer: {style, scope, audience, token} or {style, refused}
import crypto from "node:crypto";
import fs from "node:fs";
import { OAuth2Server } from "oauth2-mock-server";

const { PORT = "0", CLIENT_ID, CLIENT_SECRET, EXPIRES_IN = "3600", TOKEN_LOG } = process.env;

const decode = (text) => decodeURIComponent(text.replaceAll("+", " "));
const log = fs.openSync(TOKEN_LOG, "a");
const write = (line) => fs.writeSync(log, JSON.stringify(line) + "\n");

function client(request) {
  const [scheme, pair] = (request.headers.authorization ?? "").split(" ");
  if (scheme !== "Basic") return ["Body", request.body.client_id, request.body.client_secret];
  return ["Header", ...Buffer.from(pair, "base64").toString().split(":").map(decode)];
}

const server = new OAuth2Server();
await server.issuer.keys.generate("RS256");
// Two tokens of one second would be the same otherwise.
server.service.on("beforeTokenSigning", (token) => Object.assign(token.payload, { jti: crypto.randomUUID() }));
server.service.on("beforeResponse", (response, request) => {
  const [style, id, secret] = client(request);
  if (id !== CLIENT_ID || secret !== CLIENT_SECRET) {
    response.statusCode = 401;
    response.body = { error: "invalid_client", error_description: `no client ${id} with ${secret}` };
    return write({ style, refused: true });
  }
  response.body.expires_in = Number(EXPIRES_IN);
  const { scope, audience } = request.body;
  write({ style, scope, audience, token: response.body.access_token });
});
await server.start(Number(PORT), "127.0.0.1");
console.log(`LISTENING ${server.issuer.url}`);
