const http = require("http");

const PORT = 8080;

function handle(request, response) {
  const name = new URL(request.url, "http://localhost").searchParams.get("name");
  response.setHeader("Content-Type", "text/html");
  response.end("<h1>Hello " + name + "</h1>");
}

http.createServer(handle).listen(PORT, () => {
  console.log(`listening on ${PORT}`);
});
