// One session of socket.io-client as the application's page has it: ready once "connected" came
// and an event was answered. A page that reconnects goes on for as long as socket.io-client does.

// eslint-disable-next-line no-unused-vars
async function session({ url, options, limit, hold }) {
  const socket = io(`${url}/signaling`, { forceNew: true, reconnection: false, ...options });
  let transport = null;
  const over = new Promise((resolve) => {
    let last = 'nothing';
    const ends = (said) => {
      last = said;
      if (!options.reconnection || !socket.active) resolve(said);
    };
    socket.on('connect_error', (error) => ends(`connect_error: ${error.message}`));
    socket.on('disconnect', (reason) => ends(`disconnect: ${reason}`));
    socket.on('connected', () => socket.emit('leave-queue'));
    socket.on('queue-left', () => {
      const settle = () => { transport = socket.io.engine.transport.name; resolve('ready'); };
      setTimeout(settle, hold);
    });
    setTimeout(() => resolve(last), limit);
  });
  const said = await over;
  socket.disconnect();
  return { said, transport };
}
