// Serves HTTPS: node https_server.js CERTIFICATE KEY. Prints its address.
const fs = require("fs");
const https = require("https");

const [cert, key] = process.argv.slice(2).map((file) => fs.readFileSync(file));
const server = https.createServer({ cert, key }, (request, response) => {
  const body = Buffer.alloc(request.url.includes("large") ? 50000 : 10, "x");
  response.writeHead(request.url.includes("missing") ? 404 : 200, { "Content-Length": body.length });
  response.end(body);
});
server.listen(0, "127.0.0.1", () => console.log(`127.0.0.1:${server.address().port}`));
