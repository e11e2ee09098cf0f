// Whether a page gathers a server-reflexive candidate of one STUN server.

// eslint-disable-next-line no-unused-vars
async function gather(url) {
  const pc = new RTCPeerConnection({ iceServers: [{ urls: url }] });
  pc.createDataChannel('probe');
  const found = new Promise((resolve) => {
    pc.addEventListener('icecandidate', (event) => {
      if (!event.candidate) resolve('none');
      else if (event.candidate.type === 'srflx') resolve('candidate');
    });
  });
  await pc.setLocalDescription(await pc.createOffer());
  const said = await found;
  pc.close();
  return said;
}
