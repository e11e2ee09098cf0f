// An independent load generator: the same users as `probe load --steps session,round_trip`, with the
// application's own client library. It is what `probe load` is compared with.
//
// node load.mjs URL USERS SECONDS THINK_SECONDS ROUND_TRIPS, with JWT_SECRET in the environment.
// Prints one JSON object: the seconds of every session and round trip, how many failed, and the own
// share: for how many seconds its event loop was late (p95, max), and its CPU in cores.

import { createHmac, randomUUID } from "node:crypto";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { io } from "socket.io-client";

const [url, users, seconds, think, trips] = process.argv.slice(2);
const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const found = { session: [], round_trip: [], failed: 0 };
const started = performance.now();
const RESOLUTION = 5;
const loop = monitorEventLoopDelay({ resolution: RESOLUTION });
loop.enable();
const elapsed = () => (performance.now() - started) / 1000;
const pause = (length) => new Promise((resolve) => setTimeout(resolve, 1000 * Math.max(0, length)));

function token() {
  const deviceId = randomUUID();
  const now = Math.floor(Date.now() / 1000);
  const text = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ sub: deviceId, deviceId, iat: now, exp: now + 300 })}`;
  return `${text}.${createHmac("sha256", process.env.JWT_SECRET).update(text).digest("base64url")}`;
}

/** The event, or a rejection after 10 s or when the connection fails. */
function event(socket, name) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("timeout")), 10_000);
    socket.once(name, () => resolve(clearTimeout(timer)));
    for (const end of ["connect_error", "disconnect"])
      socket.once(end, () => reject(new Error(end), clearTimeout(timer)));
  });
}

async function iterate() {
  const auth = { token: `Bearer ${token()}` };
  const began = performance.now();
  const socket = io(`${url}/signaling`, { transports: ["websocket"], auth, forceNew: true, reconnection: false });
  try {
    await event(socket, "connected");
    found.session.push((performance.now() - began) / 1000);
    for (let trip = 0; trip < Number(trips); trip++) {
      const sent = performance.now();
      const answer = event(socket, "queue-left");
      socket.emit("leave-queue");
      await answer;
      found.round_trip.push((performance.now() - sent) / 1000);
    }
  } catch {
    found.failed++;
  } finally {
    socket.removeAllListeners();
    socket.disconnect();
  }
}

async function user(number) {
  await pause((number * Math.min(seconds / 10, 30)) / users);
  while (elapsed() < seconds) {
    await iterate();
    await pause(Math.min(think * (0.5 + Math.random()), seconds - elapsed()));
  }
}

await Promise.all(Array.from({ length: Number(users) }, (_, number) => user(number)));
const late = (nanoseconds) => Math.max(0, nanoseconds / 1e9 - RESOLUTION / 1000);
const { user: inUser, system } = process.cpuUsage();
Object.assign(found, { lag_p95: late(loop.percentile(95)), lag_max: late(loop.max) });
found.cpu = (inUser + system) / 1e6 / elapsed();
process.stdout.write(JSON.stringify(found), () => process.exit(0));
