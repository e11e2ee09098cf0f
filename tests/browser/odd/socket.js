// One session of socket.io-client as the application's page has it: ready once "connected" came
// and an event was answered.

// eslint-disable-next-line no-unused-vars
async function session({ url, options, limit, hold }) {
  const socket = io(`${url}/signaling`, { forceNew: true, reconnection: false, ...options });
  let transport = null;
  const over = new Promise((resolve) => {
    socket.on('connect_error', (error) => resolve(`connect_error: ${error.message}`));
    socket.on('disconnect', (reason) => resolve(`disconnect: ${reason}`));
    socket.on('connected', () => socket.emit('leave-queue'));
    socket.on('queue-left', () => {
      const settle = () => { transport = socket.io.engine.transport.name; resolve('ready'); };
      setTimeout(settle, hold);
    });
    setTimeout(() => resolve('nothing'), limit);
  });
  const said = await over;
  socket.disconnect();
  return { said, transport };
}
