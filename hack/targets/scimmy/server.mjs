// A SCIM 2.0 server on the npm packages scimmy and scimmy-routers, in memory, on loopback, for tests
// and demo.
//
// usage: node server.mjs
//   PORT        port to listen on; 0, the default, takes a free one. It is printed: LISTENING <port>
//   TOKEN       bearer token to ask for
//   REQUEST_LOG file that gets one JSON line a request: {method, path, status, summary}
//   IGNORE_FILTER=1      answers every filter with everyone, as some servers do
//   IGNORE_MEMBER_REMOVE=1  answers 200 to a removal of members and does nothing, as some servers do
import crypto from "node:crypto";
import fs from "node:fs";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const { PORT = "0", TOKEN = "sekret", REQUEST_LOG, IGNORE_FILTER, IGNORE_MEMBER_REMOVE } = process.env;

SCIMMY.Config.set({
  patch: true,
  filter: { supported: true, maxResults: 200 },
  bulk: { supported: true, maxOperations: 100 },
  etag: false,
  sort: true,
  changePassword: false,
});

const refuse = (status, type, detail) => new SCIMMY.Types.Error(status, type, detail);
const now = () => new Date().toISOString();

// `unique` is the attribute that no two resources of this type share, compared without case.
function keepInMemory(Type, unique) {
  const resources = new Map();
  SCIMMY.Resources.declare(Type)
    .ingress((resource, data) => {
      if (resource.id && !resources.has(resource.id)) {
        throw refuse(404, null, `no such resource ${resource.id}`);
      }
      const wanted = String(data[unique] ?? "").toLowerCase();
      for (const other of resources.values()) {
        if (other.id !== resource.id && String(other[unique]).toLowerCase() === wanted) {
          throw refuse(409, "uniqueness", `${unique} already taken`);
        }
      }
      const id = resource.id ?? crypto.randomUUID();
      const previous = resources.get(id);
      const stored = {
        ...JSON.parse(JSON.stringify(data)),
        id,
        meta: { created: previous?.meta.created ?? now(), lastModified: now() },
      };
      if (IGNORE_MEMBER_REMOVE && previous?.members) {
        stored.members = unionOfMembers(previous.members, stored.members ?? []);
      }
      resources.set(id, stored);
      return stored;
    })
    .egress((resource) => {
      if (resource.id) {
        if (!resources.has(resource.id)) throw refuse(404, null, `no such resource ${resource.id}`);
        return structuredClone(resources.get(resource.id));
      }
      const all = [...resources.values()].map((r) => structuredClone(r));
      return resource.filter && !IGNORE_FILTER ? resource.filter.match(all) : all;
    })
    .degress((resource) => {
      if (!resources.delete(resource.id)) throw refuse(404, null, `no such resource ${resource.id}`);
    });
}

function unionOfMembers(before, after) {
  const ids = new Set(after.map((m) => m.value));
  return [...after, ...before.filter((m) => !ids.has(m.value))];
}

// What a request asked for, without values that might be secret.
function summary(body) {
  if (!body || typeof body !== "object") return undefined;
  if (Array.isArray(body.Operations)) {
    return body.Operations.map((o) =>
      [o.op, o.path, o.path ? undefined : Object.keys(Object(o.value)).join(","),
        Array.isArray(o.value) ? `[${o.value.length}]` : undefined].filter(Boolean).join(" "),
    ).join("; ");
  }
  return body.userName ?? body.displayName ?? (Object.keys(body).join(",") || undefined);
}

SCIMMY.Schemas.User.definition.extend(SCIMMY.Schemas.EnterpriseUser.definition);
keepInMemory(SCIMMY.Resources.User, "userName");
keepInMemory(SCIMMY.Resources.Group, "displayName");

const app = express();
if (REQUEST_LOG) {
  const log = fs.openSync(REQUEST_LOG, "a");
  app.use((request, response, next) => {
    const { method, originalUrl: path } = request;
    const end = response.end;
    // Written before the last byte leaves, so that whoever has the answer finds the line.
    response.end = function (...rest) {
      fs.writeSync(log, JSON.stringify({ method, path, status: response.statusCode, summary: summary(request.body) }) + "\n");
      return end.apply(this, rest);
    };
    next();
  });
}
app.use("/scim/v2", new SCIMMYRouters({
  type: "bearer",
  handler: (request) => {
    if (request.header("Authorization") !== `Bearer ${TOKEN}`) throw new Error("the bearer token is wrong");
    return "rollcall";
  },
}));
const server = app.listen(Number(PORT), "127.0.0.1", () => console.log(`LISTENING ${server.address().port}`));
// Longer than any client keeps an idle connection: a server that closes first races with requests.
server.keepAliveTimeout = 120_000;
