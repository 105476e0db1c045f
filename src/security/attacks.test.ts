// Calls that want to go where they must not, and answers made to do harm.

import assert from "node:assert/strict";
import { createServer as createHttp, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, createServer as createTcp, type Socket } from "node:net";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { cert, key } from "../../test/certificate.ts";
import { isProblemError } from "../base/problem.ts";
import { type EgressRequest, type GateOptions, openGate, readPolicy } from "../security.ts";

async function listening<S extends Server | ReturnType<typeof createTcp>>(server: S): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => {
    if ("closeAllConnections" in server) server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A server of this machine; gives its port. */
async function web(listener: RequestListener): Promise<number> {
  return await listening(createHttp(listener));
}

/** Names mean these addresses. */
function named(names: Readonly<Record<string, readonly string[]>>): NonNullable<GateOptions["lookup"]> {
  return async (host) => names[host] ?? [];
}

const nobody: GateOptions["lookup"] = async (host) => {
  throw new Error(`${host} is not to be looked up`);
};

async function codeOf(
  url: string,
  options: { allow?: readonly string[]; request?: Partial<EgressRequest> } & GateOptions = {},
): Promise<string> {
  const { allow = [], request = {}, ...gate } = options;
  await using opened = openGate(readPolicy(allow), gate);
  try {
    const answer = await opened.request({ method: "GET", url, ...request });
    return String(answer.status);
  } catch (error) {
    if (isProblemError(error)) return error.code;
    throw error;
  }
}

test("H1 loopback is refused, whatever it is called", async () => {
  for (const host of ["127.0.0.1", "127.8.9.1", "[::1]", "0.0.0.0", "[::]"])
    assert.equal(await codeOf(`http://${host}/`, { lookup: nobody }), "EGRESS_DENIED", host);
  const lookup = named({ localhost: ["127.0.0.1", "::1"], "localhost.": ["127.0.0.1"], "a.localhost": ["127.0.0.1"] });
  for (const host of ["localhost", "localhost.", "LOCALHOST", "a.localhost"])
    assert.equal(await codeOf(`http://${host}/`, { lookup }), "EGRESS_DENIED", host);
});

test("H2 numbers that spell an inner address are read as what they are", async () => {
  for (const host of [
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "127.1",
    "127.0.1",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "0300.0250.1.1",
    "3232235777",
    "0",
    "127.0.0.1.",
  ])
    assert.equal(await codeOf(`http://${host}/`, { lookup: nobody }), "EGRESS_DENIED", host);
});

test("H3 inner addresses in IPv6 are found", async () => {
  for (const host of [
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "::127.0.0.1",
    "fd00::1",
    "fe80::1",
    "fc00::1",
    "0:0:0:0:0:ffff:a00:1",
  ])
    assert.equal(await codeOf(`http://[${host}]/`, { lookup: nobody }), "EGRESS_DENIED", host);
  assert.match(await codeOf("http://[fe80::1%25eth0]/", { lookup: nobody }), /EGRESS_(DENIED|URL_INVALID)/);
});

test("H4 metadata services are refused, also where private addresses are allowed", async () => {
  const lookup = named({ "metadata.google.internal": ["169.254.169.254"], "inner.example": ["169.254.169.254"] });
  for (const host of [
    "169.254.169.254",
    "[fd00:ec2::254]",
    "100.100.100.200",
    "metadata.google.internal",
    "METADATA.google.internal.",
    "inner.example",
    "0xa9fea9fe",
    "[::ffff:169.254.169.254]",
  ])
    assert.equal(
      await codeOf(`http://${host}/`, { lookup, allow: ["10.0.0.1", "inner.example", "metadata.google.internal"] }),
      "EGRESS_DENIED",
      host,
    );
});

test("H5 the connection goes to the address that was checked, though the name means another by then", async () => {
  const port = await web((_, response) => response.end("inside"));
  let looked = 0;
  const lookup = async () => (++looked === 1 ? ["127.0.0.1"] : ["169.254.169.254"]);
  assert.equal(await codeOf(`http://rebinding.example:${port}/`, { lookup, allow: [`rebinding.example:${port}`] }), "200");
  assert.equal(looked, 1, "a name is looked up once");
  const turned = async () => (++looked === 2 ? ["8.8.8.8"] : ["127.0.0.1"]);
  const limits = { connectMs: 30, totalMs: 60 };
  assert.notEqual(await codeOf("http://rebinding.example/", { lookup: turned, limits }), "200");
  assert.equal(looked, 2);
});

test("H6 one inner address among public ones refuses all", async () => {
  for (const addresses of [["8.8.8.8", "127.0.0.1"], ["10.0.0.1", "8.8.8.8"], ["8.8.8.8", "::1"], ["192.168.0.1"]])
    assert.equal(
      await codeOf("http://both.example/", { lookup: named({ "both.example": addresses }) }),
      "EGRESS_DENIED",
      addresses.join(),
    );
  assert.equal(await codeOf("http://nobody.example/", { lookup: named({}) }), "EGRESS_UNREACHABLE");
});

test("H7 every hop of a redirect is checked like a call, and hops are counted", async () => {
  const targets: Record<string, string> = {
    "/private": "http://10.0.0.1/",
    "/metadata": "http://169.254.169.254/",
    "/port": "http://127.0.0.1:22/",
    "/file": "file:///etc/passwd",
    "/gopher": "gopher://127.0.0.1:6379/_INFO",
    "/data": "data:text/plain,x",
    "/circle": "/circle",
    "/empty": "http://",
    "/user": "http://a:b@127.0.0.1/",
    "/1": "/2",
    "/2": "/3",
    "/3": "/4",
    "/4": "/5",
    "/5": "/6",
  };
  let asked = 0;
  const port = await web(({ url = "" }, response) => {
    asked++;
    const location = targets[url];
    if (location === undefined) response.end("there");
    else response.writeHead(302, { location }).end();
  });
  const at = (path: string): Promise<string> => codeOf(`http://127.0.0.1:${port}${path}`, { allow: [`127.0.0.1:${port}`] });
  for (const path of ["/private", "/metadata", "/port"]) assert.equal(await at(path), "EGRESS_DENIED", path);
  for (const path of ["/file", "/gopher", "/data"]) assert.match(await at(path), /^EGRESS_(DENIED|URL_INVALID)$/, path);
  for (const path of ["/empty", "/user"]) assert.equal(await at(path), "EGRESS_URL_INVALID", path);
  assert.equal(await at("/1"), "200", "five hops are followed");
  asked = 0;
  assert.equal(await at("/circle"), "EGRESS_REDIRECTS");
  assert.equal(asked, 6);
});

test("H7 a redirect is followed at once, though what it says besides never comes", async () => {
  const open: ServerResponse[] = [];
  const port = await web(({ url }, response) => {
    if (url === "/there") return response.end("there");
    open.push(response.writeHead(302, { location: "/there", "content-length": "10" }));
    response.flushHeaders();
  });
  const limits = { idleMs: 5_000, totalMs: 5_000 };
  assert.equal(await codeOf(`http://127.0.0.1:${port}/`, { allow: ["127.0.0.1"], limits }), "200");
  assert.equal(open.length, 1);
});

test("H8 credentials stay behind when a redirect leads to another origin", async () => {
  const seen: Record<string, unknown>[] = [];
  const other = await web(({ headers }, response) => {
    seen.push(headers);
    response.end();
  });
  const first = await web((_, response) => response.writeHead(302, { location: `http://127.0.0.1:${other}/` }).end());
  const headers = {
    authorization: "Bearer s",
    cookie: "s",
    "x-api-key": "s",
    "x-my-token": "s",
    "x-custom-secret": "s",
    accept: "text/plain",
  };
  const request = { headers, credentialHeaders: ["x-my-token"] };
  assert.equal(await codeOf(`http://127.0.0.1:${first}/`, { allow: ["127.0.0.1"], request }), "200");
  const [arrived = {}] = seen;
  for (const name of ["authorization", "cookie", "x-api-key", "x-my-token", "x-custom-secret"])
    assert.equal(arrived[name], undefined, name);
  assert.equal(arrived.accept, "text/plain");
});

test("H10 addresses that two parsers could read differently are refused", async () => {
  for (const url of [
    "http://ok.com@127.0.0.1/",
    "http://user:pass@ok.com/",
    "http://ok.com\\@127.0.0.1/",
    "http:\\\\127.0.0.1/",
    "http://127.0.0.1\t/",
    "http://ok.com /",
    "http:///",
    "//ok.com/",
    "ok.com",
    "http://[::1",
    "http://a b/",
    "",
    "http://ok.com:99999/",
    "http://%zz/",
    "http://ok\u0000.com/",
  ])
    assert.match(await codeOf(url, { lookup: nobody }), /^EGRESS_(URL_INVALID|DENIED)$/, url);
  assert.equal(await codeOf("http://127.0.0.1#@ok.com/", { lookup: nobody }), "EGRESS_DENIED");
  assert.equal(await codeOf("HTTP://127.0.0.1/", { lookup: nobody }), "EGRESS_DENIED");
  for (const scheme of ["ftp", "file", "gopher", "ws", "unix", "javascript"])
    assert.match(await codeOf(`${scheme}://ok.com/`, { lookup: nobody }), /^EGRESS_(URL_INVALID|DENIED)$/, scheme);
});

test("H11 what only looks like an allowed host is not", async () => {
  const lookup = async () => ["127.0.0.1"];
  for (const host of ["ok.com.evil.com", "evil-ok.com", "ok.com.", "ok.co", "sub.ok.com", "\u043ek.com", "ok.com:81"])
    assert.equal(await codeOf(`http://${host}/`, { lookup, allow: ["ok.com:80"] }), "EGRESS_DENIED", host);
});

test("H12 only the ports of the web are open", async () => {
  const lookup = named({ "public.example": ["8.8.8.8"] });
  for (const port of [22, 25, 6379, 5432, 3306, 9200, 2375, 8080, 0, 1])
    assert.equal(await codeOf(`http://public.example:${port}/`, { lookup }), "EGRESS_DENIED", String(port));
});

test("H13 data chooses neither a socket nor a proxy", async () => {
  let proxied = 0;
  const proxy = await web((_, response) => {
    proxied++;
    response.end();
  });
  const port = await web((_, response) => response.end("direct"));
  const before = { ...process.env };
  Object.assign(process.env, {
    HTTP_PROXY: `http://127.0.0.1:${proxy}`,
    http_proxy: `http://127.0.0.1:${proxy}`,
    NODE_USE_ENV_PROXY: "1",
  });
  try {
    assert.equal(await codeOf(`http://127.0.0.1:${port}/`, { allow: [`127.0.0.1:${port}`] }), "200");
  } finally {
    process.env = before;
  }
  assert.equal(proxied, 0);
  for (const url of [
    "http://unix:/var/run/docker.sock:/info",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
  ])
    assert.match(await codeOf(url, { lookup: nobody }), /^EGRESS_(URL_INVALID|DENIED|UNREACHABLE)$/, url);
});

test("H14 an answer is measured after it is decoded, and ends when it is too large", async () => {
  const bomb = gzipSync(Buffer.alloc(20 << 20));
  const port = await web(({ url }, response) => {
    if (url === "/bomb") response.writeHead(200, { "content-encoding": "gzip" }).end(bomb);
    else if (url === "/twice") response.writeHead(200, { "content-encoding": "gzip, gzip" }).end(gzipSync(bomb));
    else if (url === "/fifty") response.writeHead(200, { "content-encoding": Array(50).fill("gzip").join(", ") }).end(bomb);
    else if (url === "/broken") response.writeHead(200, { "content-encoding": "gzip" }).end("no gzip");
    else if (url === "/strange") response.writeHead(200, { "content-encoding": "magic" }).end("x");
    else {
      const piece = Buffer.alloc(64 << 10);
      const more = (): void => void (response.write(piece) ? setImmediate(more) : response.once("drain", more));
      more();
    }
  });
  const at = (path: string): Promise<string> =>
    codeOf(`http://127.0.0.1:${port}${path}`, { allow: ["127.0.0.1"], limits: { responseBytesMax: 1 << 20 } });
  for (const path of ["/bomb", "/twice", "/endless"]) assert.equal(await at(path), "EGRESS_RESPONSE_TOO_LARGE", path);
  for (const path of ["/fifty", "/broken", "/strange"]) assert.equal(await at(path), "EGRESS_UNREACHABLE", path);
});

test("H15 connecting, the first byte, pauses and the whole are each bounded in time", async () => {
  const mute = await web(() => undefined);
  const dripping = await web((_, response) => void response.write("a"));
  const sockets = new Set<Socket>();
  const halfOpen = await listening(createTcp((socket) => void sockets.add(socket)));
  after(() => {
    for (const socket of sockets) socket.destroy();
  });
  const limits = { connectMs: 500, headersMs: 40, idleMs: 40, totalMs: 5_000 };
  for (const port of [mute, dripping, halfOpen])
    assert.equal(await codeOf(`http://127.0.0.1:${port}/`, { allow: ["127.0.0.1"], limits }), "EGRESS_TIMEOUT");
  assert.equal(await codeOf(`http://127.0.0.1:${mute}/`, { allow: ["127.0.0.1"], limits: { totalMs: 40 } }), "EGRESS_TIMEOUT");
});

test("H16 line ends in headers, methods and addresses are refused before anything is sent", async () => {
  let asked = 0;
  const port = await web((_, response) => {
    asked++;
    response.end();
  });
  const at = (request: Partial<EgressRequest>, path = "/"): Promise<string> =>
    codeOf(`http://127.0.0.1:${port}${path}`, { allow: ["127.0.0.1"], request });
  for (const headers of [{ a: "1\r\nx: 2" }, { "a\r\nx": "1" }, { a: "1\n2" }, { a: "\u0000" }, { "": "1" }, { "a b": "1" }])
    assert.equal(await at({ headers }), "EGRESS_REQUEST_INVALID", JSON.stringify(headers));
  for (const method of ["GET\r\nx: 1", "G T", "", "GET /x HTTP/1.1\r\n"])
    assert.equal(await at({ method }), "EGRESS_REQUEST_INVALID", method);
  for (const path of ["/\r\nx: 1", "/a b", "/?q=\n"]) assert.equal(await at({}, path), "EGRESS_URL_INVALID", path);
  assert.equal(asked, 0);
});

test("H19 what a call carries for one host reaches no other", async () => {
  const arrived: (string | undefined)[] = [];
  const other = await web(({ headers }, response) => {
    arrived.push(headers.authorization);
    response.end();
  });
  const first = await web((_, response) => response.writeHead(307, { location: `http://127.0.0.1:${other}/` }).end());
  const request = { method: "POST", headers: { authorization: "Basic s" }, body: "{}" };
  assert.equal(await codeOf(`http://127.0.0.1:${first}/`, { allow: ["127.0.0.1"], request }), "200");
  assert.deepEqual(arrived, [undefined]);
});

test("H20 a certificate that nobody vouches for ends the call, and no answer of the call can switch that off", async () => {
  const server = createHttps({ key, cert }, (_, response) => response.end());
  const port = await listening(server);
  await using gate = openGate(readPolicy([`localhost:${port}`]), { lookup: named({ localhost: ["127.0.0.1"] }) });
  await assert.rejects(
    gate.request({ method: "GET", url: `https://localhost:${port}/` }),
    (error) => isProblemError(error) && error.code === "EGRESS_UNREACHABLE" && /certificate/.test(error.problem.detail),
  );
});

test("H9 a redirect from https to http is not followed with credentials", async () => {
  const plain = await web((_, response) => response.end());
  const server = createHttps({ key, cert }, (_, response) =>
    response.writeHead(302, { location: `http://localhost:${plain}/` }).end(),
  );
  const port = await listening(server);
  const lookup = named({ localhost: ["127.0.0.1"] });
  const options = { lookup, allow: ["localhost"], trust: cert };
  const headers = { authorization: "Bearer s" };
  assert.equal(await codeOf(`https://localhost:${port}/`, { ...options, request: { headers } }), "EGRESS_DENIED");
  assert.equal(await codeOf(`https://localhost:${port}/`, options), "200");
});
