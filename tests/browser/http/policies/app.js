// What the script of a page does before a call; `outcome` says how far it gets.
const media = async () => {
  if (!navigator.mediaDevices) return "no mediaDevices";
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  stream.getTracks().forEach((track) => track.stop());
  return "";
};

const opened = (address) =>
  new Promise((resolve) => {
    const socket = new WebSocket(address);
    socket.onopen = () => resolve("");
    socket.onerror = () => resolve("no WebSocket");
  });

const asked = (address) =>
  fetch(address).then(
    () => "",
    () => "no fetch",
  );

const connected = async () => {
  const [one, other] = [new RTCPeerConnection(), new RTCPeerConnection()];
  const channel = one.createDataChannel("call");
  const open = new Promise((resolve) => (channel.onopen = resolve));
  const [offered, answered] = [one, other].map(
    (each) =>
      new Promise((resolve) => {
        each.onicegatheringstatechange = () => each.iceGatheringState === "complete" && resolve();
      }),
  );
  await one.setLocalDescription();
  await offered;
  if (!one.localDescription.sdp.includes("a=candidate")) return "no candidate";
  await other.setRemoteDescription(one.localDescription);
  await other.setLocalDescription();
  await answered;
  await one.setRemoteDescription(other.localDescription);
  await open;
  one.close();
  other.close();
  return "";
};

window.outcome = (async () => {
  try {
    const withoutMedia = await media();
    if (withoutMedia) return withoutMedia;
    for (const address of JSON.parse(document.body.dataset.connect)) {
      const failed = await (address.startsWith("ws") ? opened(address) : asked(address));
      if (failed) return failed;
    }
    return (await connected()) || "ok";
  } catch (error) {
    return error.name;
  }
})();
