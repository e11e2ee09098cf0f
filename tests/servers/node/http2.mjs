// Socket.IO behind TLS with HTTP/2: `node http2.mjs CERTIFICATE MODE`; prints its port. `tunnels` and `claims` announce
// WebSockets by HTTP/2 (RFC 8441): the one carries them, the other refuses each by 405.
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import { Server } from 'socket.io';
import WebSocket from 'ws';

const [, , certificate, mode] = process.argv;
const pem = readFileSync(certificate);
const settings = { enableConnectProtocol: mode === 'tunnels' || mode === 'claims' };
const server = createSecureServer({ allowHTTP1: mode !== 'h2only', key: pem, cert: pem, settings });
const io = new Server(server, { cors: { origin: (_, allow) => allow(null, true), credentials: true } });
server.on('connect', (request, response) => {
  if (mode !== 'tunnels') {
    response.statusCode = 405;
    response.end();
    return;
  }
  response.stream.respond({ ':status': 200 });
  const socket = new WebSocket(null, undefined, {});
  socket._isServer = true;
  socket.setSocket(response.stream, Buffer.alloc(0), { allowSynchronousEvents: true, maxPayload: 1e6 });
  io.engine.prepare(request);
  io.engine.onWebSocket(request, response.stream, socket);
});
io.of('/signaling').on('connection', (socket) => {
  socket.emit('connected', {});
  socket.on('leave-queue', () => socket.emit('queue-left', {}));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
