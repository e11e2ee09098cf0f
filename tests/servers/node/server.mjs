// A Socket.IO 4 backend that answers as the watched application's does, for the tests.
//
// MODE says what goes wrong:
//   ok       nothing
//   refuse   every token is refused, as a backend with another JWT_SECRET would
//   silent   Redis is gone: sessions connect and nothing follows
//   drop     the transport is closed at the first `leave-queue`
//   garbage  whatever is under /socket.io answers with something that isn't engine.io
// JWT_SECRET, JWT_EXPIRATION, VERSION, INSTANCE_ID, TOKEN_LIMIT and the TURN_* names are the backend's.
//
// It listens on 127.0.0.1, prints {"port": N} when it is ready, and ends on SIGTERM or when
// stdin closes, so that it never outlives the test that started it.

import { createHash, createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { Server } from "socket.io";

const env = process.env;
const mode = env.MODE ?? "ok";
const secret = env.JWT_SECRET ?? "reference-secret";
const redisUp = mode !== "silent";
const services = { postgres: true, redis: redisUp, pubsub: redisUp };

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const decode = (part) => JSON.parse(Buffer.from(part, "base64url").toString());
const sign = (text) => createHmac("sha256", secret).update(text).digest();
const now = () => Math.floor(Date.now() / 1000);

function lifetime() {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(env.JWT_EXPIRATION ?? "5m");
  return Number(count) * { s: 1, m: 60, h: 3600, d: 86400 }[unit];
}

function issue(deviceId) {
  const claims = { sub: deviceId, deviceId, iat: now(), exp: now() + lifetime() };
  const text = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${text}.${sign(text).toString("base64url")}`;
}

/** The claims of a bearer token, or null if it isn't one of ours or has expired. */
function verify(header) {
  try {
    const [head, body, signature] = /^Bearer (.+)$/.exec(header)[1].split(".");
    const expected = sign(`${head}.${body}`);
    if (decode(head).alg !== "HS256") return null;
    if (!timingSafeEqual(Buffer.from(signature, "base64url"), expected)) return null;
    const claims = decode(body);
    return claims.exp > now() && mode !== "refuse" ? claims : null;
  } catch {
    return null; // whatever can't be parsed is refused, not an error of ours
  }
}

function health() {
  const up = Object.entries(services).map(([name, well]) => [name, well ? "up" : "down"]);
  return {
    status: redisUp ? "ok" : "degraded",
    timestamp: new Date().toISOString(),
    uptime: process.uptime(),
    memory: process.memoryUsage(),
    version: env.VERSION ?? "1.0.0",
    services: Object.fromEntries(up),
    instance: { id: instanceId },
  };
}

const instanceId = env.INSTANCE_ID ?? randomUUID();
const ready = () => ({ status: redisUp ? "ready" : "not-ready", services });

const issuedAt = [];
const tokenLimit = Number(env.TOKEN_LIMIT ?? 5);

function token(body) {
  while (issuedAt.length && issuedAt[0] <= Date.now() - 60_000) issuedAt.shift();
  if (issuedAt.length >= tokenLimit) return [429, { statusCode: 429, message: "Too Many Requests" }];
  issuedAt.push(Date.now());
  if (typeof body?.deviceId !== "string" || !body.deviceId)
    return [400, { statusCode: 400, message: ["deviceId must be a string"], error: "Bad Request" }];
  return [201, { accessToken: issue(body.deviceId), expiresIn: env.JWT_EXPIRATION ?? "5m" }];
}

function turnCredentials(claims) {
  const urls = (env.TURN_URLS ?? "").split(/[,;\s]+/).filter(Boolean);
  const ttl = 3600;
  if (env.TURN_PROVIDER !== "coturn")
    return { urls, username: env.TURN_USERNAME ?? "", credential: env.TURN_PASSWORD ?? "", ttl };
  const username = `${now() + ttl}:${claims.deviceId}`;
  const hmac = createHmac("sha1", env.TURN_SHARED_SECRET ?? "").update(username);
  return { urls, username, credential: hmac.digest("base64"), ttl };
}

function answer(request, body) {
  const claims = () => verify(request.headers.authorization);
  switch (`${request.method} ${request.url.split("?")[0]}`) {
    case "GET /health":
      return [200, health()];
    case "GET /health/ready":
      return [200, ready()];
    case "POST /auth/token":
      return token(body);
    case "POST /turn/credentials":
      if (!claims()) return [401, { statusCode: 401, message: "Unauthorized" }];
      return [201, turnCredentials(claims())];
    default:
      return [404, { statusCode: 404, message: `Cannot ${request.method} ${request.url}` }];
  }
}

async function read(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  try {
    return JSON.parse(text);
  } catch {
    return null; // the handlers say what they miss
  }
}

const http = createServer(async (request, response) => {
  const garbage = request.url.startsWith("/socket.io");
  const [status, body] = garbage ? [200, "\u0007 not engine.io"] : answer(request, await read(request));
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
});

function signaling(socket) {
  if (!redisUp) return;
  const claims = verify(socket.handshake.auth?.token ?? socket.handshake.headers.authorization);
  if (!claims) {
    socket.disconnect(); // after the connection was accepted, as the backend does
    return;
  }
  socket.emit("connected", { deviceId: claims.deviceId, timestamp: Date.now() });
  socket.on("leave-queue", () => {
    if (mode === "drop") socket.conn.close();
    else socket.emit("queue-left", { timestamp: Date.now() });
  });
}

/** Completes the WebSocket handshake (RFC 6455, 4.2.2) and sends one text frame of rubbish. */
function garbageUpgrade(request, socket) {
  const magic = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash("sha1").update(magic).digest("base64");
  const text = Buffer.from("\u0007 not engine.io");
  socket.on("error", () => socket.destroy());
  socket.on("end", () => socket.end());
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.write(Buffer.concat([Buffer.from([0x81, text.length]), text]));
}

if (mode === "garbage") http.on("upgrade", garbageUpgrade);
else new Server(http).of("/signaling").on("connection", signaling);

const stop = () => process.exit(0);
process.on("SIGTERM", stop);
process.stdin.on("end", stop).resume();
http.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: http.address().port })));
