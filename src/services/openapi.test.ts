import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Json } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import { operationsOf, planOperation } from "./openapi.ts";
import type { JsonObject } from "./parameters.ts";

fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });

const FROM = "https://docs.example.com/api/openapi.json";

/** Milliseconds that a hostile document may cost; ordinary ones cost less than one. */
const HOSTILE_CPU_MS_MAX = 3_000;

const PETS = {
  openapi: "3.0.3",
  servers: [{ url: "https://api.example.com/v1/" }],
  paths: {
    "/pets": {
      get: {
        operationId: "listPets",
        summary: "All pets",
        parameters: [
          { name: "tags", in: "query", schema: { type: "array", items: { type: "string" } } },
          { name: "limit", in: "query", schema: { type: "integer", default: 20 } },
          { name: "X-Trace", in: "header", schema: { type: "string" } },
          { name: "session", in: "cookie", schema: { type: "string" } },
          { name: "Authorization", in: "header", required: true, schema: { type: "string" } },
        ],
      },
      post: {
        operationId: "createPet",
        requestBody: { required: true, content: { "application/json": { schema: { $ref: "#/components/schemas/NewPet" } } } },
      },
    },
    "/pets/{petId}": {
      parameters: [{ $ref: "#/components/parameters/petId" }],
      get: { operationId: "getPet" },
      delete: {},
    },
    "/pets/{petId}/notes": {
      parameters: [{ $ref: "#/components/parameters/petId" }],
      post: {
        operationId: "addNote",
        requestBody: {
          content: { "application/json": { schema: { type: "object", properties: { title: {}, body: { type: "string" } } } } },
        },
      },
    },
  },
  components: {
    parameters: { petId: { name: "petId", in: "path", required: true, schema: { type: "string" } } },
    schemas: {
      Named: { type: "object", required: ["id", "name"], properties: { id: { readOnly: true }, name: { type: "string" } } },
      NewPet: {
        allOf: [{ $ref: "#/components/schemas/Named" }],
        properties: { age: { type: "integer" }, friends: { type: "array", items: { $ref: "#/components/schemas/NewPet" } } },
        additionalProperties: false,
      },
    },
  },
} satisfies Json;

const STORE = {
  swagger: "2.0",
  host: "store.example.com:8443",
  basePath: "/v2",
  schemes: ["http", "https"],
  consumes: ["application/xml", "application/json"],
  paths: {
    "/orders": {
      get: {
        operationId: "findOrders",
        parameters: [
          { name: "status", in: "query", type: "array", items: { type: "string" }, collectionFormat: "pipes" },
          { name: "ids", in: "query", type: "array", items: { type: "integer" } },
          { name: "page", in: "query", type: "integer", default: 1 },
        ],
      },
      post: { operationId: "order", parameters: [{ name: "order", in: "body", required: true, schema: { type: "object" } }] },
    },
    "/orders/{id}/image": {
      post: {
        operationId: "addImage",
        parameters: [
          { name: "id", in: "path", required: true, type: "integer" },
          { name: "note", in: "formData", type: "string", default: "none" },
          { name: "image", in: "formData", type: "file", required: true },
        ],
      },
    },
    "/login": {
      post: {
        operationId: "login",
        parameters: [
          { name: "user", in: "formData", type: "string", required: true },
          { name: "roles", in: "formData", type: "array", items: { type: "string" }, collectionFormat: "multi" },
        ],
      },
    },
  },
} satisfies Json;

function plan(document: Json, operationId: string, parameters: Json = {}, from = FROM) {
  return planOperation(document, from, operationId, parameters);
}

/** A document of one operation, `go`, at `/go`. */
function withOperation(operation: JsonObject, more: JsonObject = {}): Json {
  return {
    openapi: "3.1.0",
    servers: [{ url: "https://h" }],
    paths: { "/go": { post: { operationId: "go", ...operation } } },
    ...more,
  };
}

function bodyOf(schema: Json, parameters: Json): Json {
  const document = withOperation({ requestBody: { content: { "application/json": { schema } } } });
  return JSON.parse(plan(document, "go", parameters).body ?? "null") as Json;
}

function problemOf(act: () => unknown) {
  try {
    act();
  } catch (error) {
    if (isProblemError(error)) return error.problem;
    throw error;
  }
  return assert.fail("no problem was thrown");
}

test("an operation becomes a request", () => {
  const parameters = { tags: ["a b", "c"], "X-Trace": "t1", session: "s;1", limit: null };
  assert.deepEqual(plan(PETS, "listPets", parameters), {
    method: "GET",
    url: "https://api.example.com/v1/pets?tags=a%20b&tags=c&limit=20",
    headers: { accept: "application/json, */*;q=0.5", cookie: "session=s%3B1", "x-trace": "t1" },
    body: null,
  });
});

test("an operation without a name is called by method and path", () => {
  assert.equal(plan(PETS, "DELETE /pets/{petId}", { petId: 7 }).url, "https://api.example.com/v1/pets/7");
  assert.equal(plan(PETS, "GET /pets/{petId}", { petId: "a/b" }).url, "https://api.example.com/v1/pets/a%2Fb");
});

test("the body is given whole or by its properties", () => {
  const whole = plan(PETS, "createPet", { body: { name: "Ada" } });
  assert.deepEqual([whole.method, whole.body, whole.headers["content-type"]], ["POST", '{"name":"Ada"}', "application/json"]);
  assert.deepEqual(plan(PETS, "createPet", { name: "Ada" }), whole);
});

test("a property called body is one, unless an object stands alone", () => {
  const body = (parameters: JsonObject) => plan(PETS, "addNote", { petId: 1, ...parameters }).body;
  assert.equal(body({ body: "hello" }), '{"body":"hello"}');
  assert.equal(body({ title: "t", body: "hello" }), '{"title":"t","body":"hello"}');
  assert.equal(body({ body: { body: "hello" } }), '{"body":"hello"}');
  assert.equal(body({}), null);
});

test("values become what their schema declares, also deep in a body", () => {
  const pet = plan(PETS, "createPet", { name: 5, age: "3", friends: [{ name: true, age: 1 }] }).body;
  assert.deepEqual(JSON.parse(pet ?? ""), { name: "5", age: 3, friends: [{ name: "true", age: 1 }] });
  assert.deepEqual(bodyOf({ properties: { on: { type: ["boolean", "null"] } } }, { on: "true" }), { on: true });
  assert.deepEqual(bodyOf({ properties: { any: { oneOf: [{ type: "string" }] } } }, { any: 1 }), { any: 1 });
  for (const age of ["x", 1.5, "007", "9007199254740993", true, [1]]) {
    assert.equal(problemOf(() => plan(PETS, "createPet", { name: "a", age })).code, "OPENAPI_PARAMETER_INVALID");
  }
});

test("a long number given as text stays as it is in an address", () => {
  assert.match(plan(STORE, "findOrders", { ids: ["9007199254740993"], page: "2" }).url, /ids=9007199254740993&page=2$/);
});

test("what is missing is named", () => {
  assert.deepEqual(
    problemOf(() => plan(PETS, "getPet")),
    {
      code: "OPENAPI_PARAMETER_MISSING",
      status: 422,
      title: "An operation needs a parameter that is not given.",
      detail: '"getPet" needs petId (path), which is not given.',
      fix: 'Give "petId".',
      at: "petId",
    },
  );
  assert.equal(problemOf(() => plan(PETS, "createPet", { age: 1 })).at, "name");
  assert.equal(problemOf(() => plan(STORE, "order")).at, "order");
  assert.equal(problemOf(() => plan(STORE, "addImage", { id: 1 })).at, "image");
});

test("what is not known is named, with what was probably meant", () => {
  const unknown = (operationId: string, parameters: JsonObject) => {
    const { code, at, fix } = problemOf(() => plan(PETS, operationId, parameters));
    return { code, at, fix };
  };
  const code = "OPENAPI_PARAMETER_UNKNOWN";
  assert.deepEqual(unknown("listPets", { limt: 1 }), { code, at: "limt", fix: 'Did you mean "limit"?' });
  assert.deepEqual(unknown("createPet", { nmae: "a" }), { code, at: "nmae", fix: 'Did you mean "name"?' });
  assert.deepEqual(unknown("getPet", { petId: 1, q: 1 }), { code, at: "q", fix: 'It takes: "petId".' });
  assert.deepEqual(unknown("getPet", { petId: 1, body: {} }), { code, at: "body", fix: 'It takes: "petId".' });
  assert.equal(plan(PETS, "addNote", { petId: 1, constructor: 1 }).body, '{"constructor":1}');
});

test("an operation that is not known is named, with what was probably meant", () => {
  const { code, fix } = problemOf(() => plan(PETS, "listPet"));
  assert.deepEqual([code, fix], ["OPENAPI_OPERATION_UNKNOWN", 'Did you mean "listPets"?']);
  assert.equal(problemOf(() => plan(PETS, "constructor")).code, "OPENAPI_OPERATION_UNKNOWN");
  const twice = { openapi: "3.0.0", paths: { "/a": { get: { operationId: "a" } }, "/b": { get: { operationId: "a" } } } };
  assert.equal(problemOf(() => plan(twice, "a")).code, "OPENAPI_INVALID");
  assert.equal(plan(twice, "GET /b").url, "https://docs.example.com/b");
});

test("the nearest server counts, completed by where the document is from", () => {
  const at = (servers: { root?: Json; item?: Json; operation?: Json }, from = FROM) => {
    const operation = { operationId: "go", servers: servers.operation ?? [] };
    const document = {
      openapi: "3.1.0",
      servers: servers.root ?? [],
      paths: { "/go": { servers: servers.item ?? [], get: operation } },
    };
    return plan(document, "go", {}, from).url;
  };
  const root = [
    { url: "https://{region}.example.com:{port}/v1", variables: { region: { default: "eu" }, port: { default: "8443" } } },
  ];
  assert.equal(at({}), "https://docs.example.com/go");
  assert.equal(at({ root }), "https://eu.example.com:8443/v1/go");
  assert.equal(at({ root, item: [{ url: "../v2" }] }), "https://docs.example.com/v2/go");
  assert.equal(
    at({ root, item: [{ url: "../v2" }], operation: [{ url: "//other.example.com?key=1" }] }),
    "https://other.example.com/go?key=1",
  );
  assert.equal(problemOf(() => at({ root: [{ url: "https://{region}/" }] })).code, "OPENAPI_INVALID");
  assert.equal(problemOf(() => at({ root: [{ url: "/v1" }] }, "file:///tmp/a.json")).code, "OPENAPI_INVALID");
  assert.equal(problemOf(() => at({ root: [{ url: "file:///etc" }] })).code, "OPENAPI_INVALID");
});

test("Swagger 2 names its server in three parts, and what it leaves out is where it is from", () => {
  assert.match(plan(STORE, "findOrders").url, /^https:\/\/store\.example\.com:8443\/v2\/orders\?page=1$/);
  const bare = { swagger: "2.0", paths: { "/go": { get: { operationId: "go" } } } };
  assert.equal(plan(bare, "go", {}, "http://h:81/swagger.json").url, "http://h:81/go");
  assert.equal(problemOf(() => plan({ ...bare, host: "good.example.com@evil.example.com" }, "go")).code, "OPENAPI_INVALID");
});

test("Swagger 2 writes lists in its own formats and bodies under their names", () => {
  assert.match(plan(STORE, "findOrders", { status: ["a", "b"], ids: [1, 2] }).url, /\?status=a%7Cb&ids=1,2&page=1$/);
  const order = plan(STORE, "order", { order: { n: 1 } });
  assert.deepEqual([order.body, order.headers["content-type"]], ['{"n":1}', "application/json"]);
  assert.deepEqual(plan(STORE, "order", { body: { n: 1 } }), order);
  assert.equal(problemOf(() => plan(STORE, "order", { order: {}, extra: 1 })).at, "extra");
});

test("Swagger 2 sends forms, with a file as multipart", async () => {
  const login = plan(STORE, "login", { user: "a&b", roles: ["x", "y"] });
  assert.deepEqual(
    [login.body, login.headers["content-type"]],
    ["user=a%26b&roles=x&roles=y", "application/x-www-form-urlencoded"],
  );
  assert.equal(problemOf(() => plan(STORE, "login", { usr: "a" })).fix, 'Did you mean "user"?');
  const image = plan(STORE, "addImage", { id: "3", image: "…bytes…" });
  const form = await new Response(image.body, { headers: image.headers }).formData();
  const file = form.get("image");
  assert.ok(file instanceof File);
  assert.deepEqual([file.name, await file.text(), form.get("note")], ["image", "…bytes…", "none"]);
});

test("an encoding says how a field of a form is written", () => {
  const media = { schema: { type: "object" }, encoding: { expand: { style: "deepObject", explode: true } } };
  const document = withOperation({ requestBody: { content: { "application/x-www-form-urlencoded": media } } });
  assert.equal(plan(document, "go", { expand: { a: 1 }, n: 2 }).body, "expand%5Ba%5D=1&n=2");
});

test("the operations are listed for people to choose from", () => {
  const [listed, created, , deleted] = operationsOf(PETS);
  assert.deepEqual(
    [listed?.operationId, listed?.method, listed?.path, listed?.summary],
    ["listPets", "GET", "/pets", "All pets"],
  );
  assert.deepEqual(
    listed?.parameters.map(({ name }) => name),
    ["tags", "limit", "X-Trace", "session"],
  );
  assert.deepEqual(created?.body, { $ref: "#/components/schemas/NewPet" });
  assert.equal(deleted?.operationId, "DELETE /pets/{petId}");
  for (const { operationId } of operationsOf(STORE))
    assert.notEqual(problemOfOrNull(STORE, operationId), "OPENAPI_OPERATION_UNKNOWN", operationId);
});

function problemOfOrNull(document: Json, operationId: string, parameters: Json = {}): string | null {
  try {
    plan(document, operationId, parameters);
    return null;
  } catch (error) {
    if (isProblemError(error)) return error.code;
    throw error;
  }
}

test("what is no OpenAPI document is refused", () => {
  for (const document of [null, 3, "openapi", [], {}, { openapi: "4.0.0" }, { swagger: "1.2" }, { openapi: 3 }]) {
    assert.equal(problemOf(() => plan(document, "go")).code, "OPENAPI_INVALID");
    assert.equal(problemOf(() => operationsOf(document)).code, "OPENAPI_INVALID");
  }
});

test("references are followed within the document, also by names with signs in them", () => {
  const document = {
    openapi: "3.1.0",
    servers: [{ url: "https://h" }],
    paths: { "/a": { $ref: "#/components/pathItems/~1a~0%20b" } },
    components: {
      pathItems: { "/a~ b": { get: { operationId: "go", parameters: [{ $ref: "#/components/bundled/0" }] } } },
      bundled: [{ $ref: "#/components/over/there" }],
      over: { $ref: "#/components/parameters" },
      parameters: { there: { name: "q", in: "query" } },
    },
  };
  assert.equal(plan(document, "go", { q: 1 }).url, "https://h/a?q=1");
});

test("W11 a reference out of the document is refused, and hinders no other operation", () => {
  for (const $ref of ["https://evil.example.com/a.json", "file:///etc/passwd", "other.json#/a", "//evil/a", ""]) {
    const document = withOperation({ parameters: [{ $ref }] }, { components: {} });
    assert.equal(problemOf(() => plan(document, "go")).code, "OPENAPI_REF_REMOTE");
  }
  const remote = {
    openapi: "3.1.0",
    servers: [{ url: "https://h" }],
    paths: { "/0": { $ref: "https://evil/" }, "/go": { get: { operationId: "go" } } },
  };
  assert.equal(plan(remote, "go").url, "https://h/go");
});

test("W11 references that lead nowhere or to themselves end", () => {
  const chain = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`r${i}`, { $ref: `#/components/r${i + 1}` }]));
  const components = {
    self: { $ref: "#/components/self" },
    a: { $ref: "#/components/b/x" },
    b: { $ref: "#/components/a/x" },
    ...chain,
  };
  const long = `#/components${"/x".repeat(1_000_000)}`;
  for (const $ref of [
    "#/components/self",
    "#/components/a",
    "#/components/r0",
    "#/nowhere",
    "#anchor",
    "#/%zz",
    "#/__proto__",
    long,
  ]) {
    const document = withOperation({ parameters: [{ $ref }] }, { components });
    assert.equal(problemOf(() => plan(document, "go")).code, "OPENAPI_INVALID", $ref.slice(0, 40));
  }
});

test("W11 schemas that hold themselves are followed as deep as the value is", () => {
  const components = { Tree: { type: "object", properties: { name: { type: "string" }, next: { $ref: "#/components/Tree" } } } };
  const requestBody = { content: { "application/json": { schema: { $ref: "#/components/Tree" } } } };
  const document = withOperation({ requestBody }, { components });
  assert.equal(plan(document, "go", { next: { next: { name: 1 } } }).body, '{"next":{"next":{"name":"1"}}}');
});

test("W11 schemas that double with every level, and huge documents, cost little", () => {
  const level = (i: number) => ({
    allOf: [{ $ref: `#/components/l${i + 1}` }, { $ref: `#/components/l${i + 1}` }, { $ref: "#/components/l0" }],
  });
  const levels = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`l${i}`, level(i)]));
  const doubling = withOperation(
    { parameters: [{ name: "q", in: "query", schema: { $ref: "#/components/l0" } }] },
    { components: { ...levels, l30: { type: "string" } } },
  );
  const wide = withOperation({
    parameters: [{ name: "q", in: "query", schema: { allOf: Array.from({ length: 50_000 }, () => ({ type: "string" })) } }],
  });
  const many = withOperation({ parameters: Array.from({ length: 50_000 }, (_, i) => ({ name: `p${i}`, in: "query" })) });
  const paths = Object.fromEntries(
    Array.from({ length: 50_000 }, (_, i) => [`/${i}`, { get: { operationId: `operation${i}` } }]),
  );
  const began = process.cpuUsage();
  assert.equal(plan(doubling, "go", { q: 1 }).url, "https://h/go?q=1");
  assert.equal(problemOf(() => plan(wide, "go", { q: 1 })).code, "OPENAPI_INVALID");
  assert.equal(problemOf(() => plan(many, "go")).code, "OPENAPI_INVALID");
  assert.equal(problemOf(() => plan({ openapi: "3.0.0", paths }, "operationX")).code, "OPENAPI_OPERATION_UNKNOWN");
  assert.ok(process.cpuUsage(began).user / 1_000 < HOSTILE_CPU_MS_MAX);
});

test("W11 a server inside is planned as it is written: whether it may be called is asked at the gate", () => {
  const document = {
    openapi: "3.0.0",
    servers: [{ url: "http://127.0.0.1:8080" }],
    paths: { "/go": { get: { operationId: "go" } } },
  };
  assert.equal(plan(document, "go").url, "http://127.0.0.1:8080/go");
});

test("a value leads to no other path", () => {
  for (const petId of ["..", ".", "", "../admin"]) {
    if (petId === "../admin") assert.equal(plan(PETS, "getPet", { petId }).url, "https://api.example.com/v1/pets/..%2Fadmin");
    else assert.equal(problemOf(() => plan(PETS, "getPet", { petId })).code, "OPENAPI_PARAMETER_INVALID");
  }
  assert.equal(plan(PETS, "getPet", { petId: "%2e%2e" }).url, "https://api.example.com/v1/pets/%252e%252e");
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (petId) => {
      fc.pre(petId !== "." && petId !== "..");
      const { pathname, origin } = new URL(plan(PETS, "getPet", { petId }).url);
      assert.deepEqual([origin, pathname.split("/").length], ["https://api.example.com", 4]);
    }),
  );
});

test("H16 neither a value nor a document writes a header that is not its own", () => {
  assert.equal(problemOf(() => plan(PETS, "listPets", { "X-Trace": "a\r\nx-admin: 1" })).code, "OPENAPI_PARAMETER_INVALID");
  const host = withOperation({ parameters: [{ name: "Host", in: "header", schema: { default: "inside" } }] });
  assert.deepEqual(Object.keys(plan(host, "go").headers), ["accept"]);
  assert.equal(problemOf(() => plan(host, "go", { Host: "inside" })).code, "OPENAPI_PARAMETER_UNKNOWN");
  const broken = withOperation({ parameters: [{ name: "a\r\nb", in: "header" }] });
  assert.equal(problemOf(() => plan(broken, "go")).code, "OPENAPI_INVALID");
});

test("whatever a document says, a plan or a problem comes of it", () => {
  const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;
  const place = fc.constantFrom("path", "query", "header", "cookie", "body", "formData");
  const parameter = fc.record(
    { name: fc.string(), in: place, schema: json, style: json, type: json, default: json },
    { requiredKeys: [] },
  );
  const operation = fc.record({
    parameters: fc.array(parameter as fc.Arbitrary<Json>),
    requestBody: fc.oneof(
      json,
      fc.record({ content: fc.dictionary(fc.constantFrom("application/json", "multipart/form-data"), json) }),
    ),
    servers: json,
  });
  const version = fc.constantFrom({ openapi: "3.1.0" }, { swagger: "2.0" });
  fc.assert(
    fc.property(version, operation, json, (said, post, parameters) => {
      const document = { ...said, paths: { "/go": { post: { ...post, operationId: "go" } } } } as Json;
      problemOfOrNull(document, "go", parameters);
    }),
  );
});
