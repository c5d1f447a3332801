// Asks a server N times on each of several connections at once, and says in each path which port asks: node https_crowd.js HOST PORT CONNECTIONS N.
const tls = require("tls");

const [host, port, connections, n] = process.argv.slice(2).map((arg, i) => (i === 0 ? arg : Number(arg)));
// Each connection is followed by another one, twice.
const begin = (again) => {
  let asked = 0;
  let answer = "";
  const socket = tls.connect({ host, port, rejectUnauthorized: false });
  const ask = () => {
    if (asked++ === n / 3) {
      socket.end();
      if (again > 0) begin(again - 1);
      return;
    }
    answer = "";
    socket.write(`GET /from/${socket.localPort} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  };
  socket.on("secureConnect", ask);
  socket.on("data", (data) => {
    answer += data;
    if (answer.endsWith("xxxxxxxxxx")) ask();
  });
};
for (let c = 0; c < connections; c++) begin(2);
