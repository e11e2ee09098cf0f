// A Socket.IO 4 backend that answers as the watched application's does, for the tests.
//
// MODE says what goes wrong:
//   ok       nothing
//   refuse   every token is refused, as a backend with another JWT_SECRET would
//   silent   Redis is gone: sessions connect and nothing follows
//   drop     the transport is closed at the first `leave-queue`
//   never    nobody is matched
//   anyone   whoever waits is matched, whatever the queue and the language
//   lost     a session is forgotten as soon as both were told of it
//   careless every token is accepted, and none too
//   garbage  whatever is under /socket.io answers with something that isn't engine.io
// LATENCY, such as 20-200, has sessions and round trips answered after so many milliseconds, evenly
// distributed; 0 without it.
// GET /test/state tells what the server holds: sessions, queue, matches, and what was passed on.
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

const [shortest, longest] = (env.LATENCY ?? "0-0").split("-").map(Number);

/** Answers at once, or after the latency that is asked for. */
function answerLater(answer) {
  if (longest) setTimeout(answer, shortest + Math.random() * (longest - shortest));
  else answer();
}

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
  if (mode === "careless") return { deviceId: "anyone" };
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
    case "GET /test/state":
      return [200, state()];
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

const users = new Map(); // socket id → { socket, device }
let queue = []; // { id, device, type, language }
const rooms = new Map(); // session id → two socket ids
const lately = new Map(); // two devices → when they were matched
let matches = 0;
let passedOn = 0;

const state = () => ({ sessions: users.size, queue: queue.length, rooms: rooms.size, matches, passedOn });
const leave = (id) => (queue = queue.filter((user) => user.id !== id));
const pair = (one, other) => [one.device, other.device].sort().join(" ");

function fit(one, other) {
  if (mode === "anyone") return true;
  if (mode === "never" || Date.now() - (lately.get(pair(one, other)) ?? 0) < 3_600_000) return false;
  if (one.type === "language" || other.type === "language")
    return one.type === other.type && one.language === other.language;
  return true;
}

const FIELDS =
  "region language gender genderPreference interests queueType nativeLanguage learningLanguage preferences";

/** What is wrong with a wish to join, or undefined. */
function problem(wish) {
  const unknown = Object.keys(wish).find((name) => !FIELDS.split(" ").includes(name));
  if (unknown) return `property ${unknown} should not exist`;
  const codes = [wish.language, wish.nativeLanguage, wish.learningLanguage];
  if (codes.some((code) => (code ?? "").length > 10)) return "a language code has at most 10 characters";
}

function join(socket, device, wish = {}) {
  const wrong = problem(wish);
  if (wrong) return socket.emit("exception", { status: "error", message: wrong });
  const user = {
    id: socket.id,
    device,
    type: wish.queueType ?? "casual",
    language: wish.learningLanguage ?? wish.language ?? "",
  };
  leave(user.id);
  const other = queue.find((waiting) => fit(user, waiting));
  if (!other) queue.push(user);
  const place = { position: queue.length, queueLength: queue.length, isPremium: false };
  socket.emit("queue-joined", { ...place, timestamp: Date.now() });
  if (other) match(other, user);
}

/** "matched" comes twice, with different sessions; the last one stands. */
function match(one, other) {
  leave(one.id);
  lately.set(pair(one, other), Date.now());
  matches += 1;
  const told = [randomUUID(), randomUUID()];
  rooms.set(told[1], [one.id, other.id]);
  const more = { timestamp: Date.now(), compatibilityScore: 0.5, commonInterests: [] };
  for (const sessionId of told) {
    users.get(one.id)?.socket.emit("matched", { sessionId, peerId: other.device, ...more });
    users.get(other.id)?.socket.emit("matched", { sessionId, peerId: one.device, ...more });
  }
  if (mode === "lost") rooms.delete(told[1]);
}

function peerOf(socket, sessionId) {
  const ids = rooms.get(sessionId);
  if (ids?.includes(socket.id)) return users.get(ids.find((id) => id !== socket.id));
  socket.emit("error", { message: "Session not found" });
}

function end(sessionId, id) {
  const ids = rooms.get(sessionId) ?? [];
  rooms.delete(sessionId);
  const peer = users.get(ids.find((other) => other !== id));
  peer?.socket.emit("peer-disconnected", { sessionId });
}

function calls(socket, device) {
  users.set(socket.id, { socket, device });
  const updates = setInterval(
    () => socket.emit("queue-update", { position: 0, queueLength: queue.length, timestamp: Date.now() }),
    2000,
  );
  socket.on("join-queue", (wish) => join(socket, device, wish));
  for (const what of ["offer", "answer", "candidate"])
    socket.on(`send-${what}`, ({ sessionId, data }) => {
      const peer = peerOf(socket, sessionId);
      if (!peer) return;
      passedOn += 1;
      peer.socket.emit(what, { sessionId, [what]: data, from: device });
    });
  socket.on("end-call", ({ sessionId }) => {
    if (!peerOf(socket, sessionId)) return;
    socket.emit("call-ended", { sessionId });
    end(sessionId, socket.id);
  });
  socket.on("disconnect", () => {
    clearInterval(updates);
    users.delete(socket.id);
    leave(socket.id);
    for (const [sessionId, ids] of rooms) if (ids.includes(socket.id)) end(sessionId, socket.id);
  });
}

function signaling(socket) {
  if (!redisUp) return;
  const claims = verify(socket.handshake.auth?.token ?? socket.handshake.headers.authorization);
  if (!claims) {
    socket.disconnect(); // after the connection was accepted, as the backend does
    return;
  }
  answerLater(() => socket.emit("connected", { deviceId: claims.deviceId, timestamp: Date.now() }));
  socket.on("leave-queue", () => {
    if (mode === "drop") return socket.conn.close();
    leave(socket.id);
    answerLater(() => socket.emit("queue-left", { timestamp: Date.now() }));
  });
  calls(socket, claims.deviceId);
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
