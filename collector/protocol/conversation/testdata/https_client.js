// Asks a server N times, on one connection: node https_client.js HOST PORT N.
const https = require("https");

const [host, port, n] = process.argv.slice(2);
const agent = new https.Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
const ask = (i) => {
  if (i === Number(n)) {
    agent.destroy();
    return;
  }
  const path = ["/items/17", "/missing/x", "/large"][i % 3];
  https.get({ host, port, path, agent }, (response) => response.resume().on("end", () => ask(i + 1)));
};
ask(0);
